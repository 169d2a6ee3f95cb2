// The session of the demo, as a process of its own so that its output can be read: `bottle start` plus a network for the API.
//
// Arguments: spec, JSON of {network, host, address, agent}. `agent` is handed to the agent as its argument.
import { startSession } from '../src/session/start-session.ts';
import { Timings } from '../src/session/timings.ts';
import { loadSpec } from '../src/spec/load.ts';

const [spec = '', text = ''] = process.argv.slice(2);
const { network, host, address, agent } = JSON.parse(text) as {
  network: string;
  host: string;
  address: string;
  agent: unknown;
};
const bottle = loadSpec(spec);
const { exitCode } = await startSession(
  {
    bottle,
    command: [...bottle.agent.command, JSON.stringify(agent)],
    proxyNetworks: [network],
    proxyHosts: { [host]: address },
  },
  process,
  new Timings(),
);
process.exitCode = exitCode;
