// The session of the demo, as a process of its own so that its output can be read: `bottle start` plus a network for the API.
//
// Arguments: spec, JSON of {network, host, address, agent}. `agent` is handed to the agent as its argument.
// The session's id goes to the parent as a message: stdout is the agent's.
import { failureText } from '../src/report/failure-text.ts';
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
try {
  const bottle = loadSpec(spec);
  const { id, exitCode } = await startSession(
    {
      bottle,
      command: [...bottle.agent.command, JSON.stringify(agent)],
      proxyNetworks: [network],
      proxyHosts: { [host]: address },
    },
    process,
    new Timings(),
  );
  process.send?.({ id });
  process.disconnect?.();
  process.exitCode = exitCode;
} catch (error) {
  const { lines, exitCode } = failureText(error, process.env.BOTTLE_DEBUG === '1');
  for (const line of lines) console.error(line);
  process.exit(exitCode);
}
