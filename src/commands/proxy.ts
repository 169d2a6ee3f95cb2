// `bottle proxy`: the very same proxy without Docker, for tests, benchmarks and people who bring their own sandbox.
import type { Command } from 'commander';
import type { ProxyOptions } from '../proxy-process/run-proxy.ts';

export function registerProxy(program: Command): void {
  program
    .command('proxy')
    .description('run the proxy alone, in the foreground, without Docker')
    .requiredOption('--spec <file>', 'the spec whose egress rules it enforces')
    .requiredOption('--listen <addr:port>', 'where it listens; port 0 takes any free one')
    .requiredOption('--ca-out <file>', 'where to write the certificate that clients have to trust')
    .requiredOption('--log <file>', 'the audit log; appended to')
    .option('--upstream-map <file>', 'JSON {"host:port":"ip:port"}: where a name is dialled, and nothing else')
    .option('--upstream-ca <file>', "PEM roots for upstreams, besides this machine's own")
    .addHelpText(
      'after',
      `
Prints one JSON line once it serves: {"listening":"ADDR:PORT","ca":"FILE","placeholders":{"NAME":"..."},"control":"SOCKET"}.
Ends with Ctrl-C or SIGTERM. Containment is yours: a client that does not use the proxy is not seen.

Example:
  bottle proxy --spec web-shop.yaml --listen 127.0.0.1:3128 --ca-out ca.pem --log audit.jsonl
  curl --proxy http://127.0.0.1:3128 --cacert ca.pem https://api.example/`,
    )
    .action(async (options: ProxyOptions) => {
      const { runProxy } = await import('../proxy-process/run-proxy.ts');
      await runProxy(options);
    });
}
