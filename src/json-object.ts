// Text of others that should be a JSON object: read in one place, which the proxy has as well.
export { parseJsonObject } from '../proxy/src/contract.ts';
