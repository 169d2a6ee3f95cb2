// What we want to reach, as ratios within one run. Shown beside the figures; never asserted: a busy machine is no failure.

/** Rates are to be at least, everything else at most this many times the other's. */
export type Goal = { readonly than: string; readonly times: number } & (
  | { readonly workload: string; readonly figure: 'cpuMicros' | 'perSecond' | 'p50Micros' | 'heldBytes' }
  /** Of every start. */
  | { readonly figure: 'listenMs' | 'idleBytes' }
);

export const GOALS: readonly Goal[] = [
  { workload: 'small keep-alive x32', figure: 'cpuMicros', than: 'floor-http', times: 0.5 },
  { workload: 'small keep-alive x32', figure: 'perSecond', than: 'floor-http', times: 2 },
  { workload: 'small keep-alive x32', figure: 'perSecond', than: 'squid', times: 1.3 },
  { workload: 'small keep-alive x32', figure: 'perSecond', than: 'mitmproxy', times: 20 },
  { workload: 'small keep-alive x1', figure: 'p50Micros', than: 'floor-http', times: 0.7 },
  { workload: 'small keep-alive x1', figure: 'p50Micros', than: 'tunnel', times: 1.3 },
  { workload: 'new connection, same host', figure: 'cpuMicros', than: 'floor-http', times: 0.9 },
  { workload: 'new connection, new host', figure: 'p50Micros', than: 'floor-http', times: 1 },
  { workload: 'POST 100 KB JSON, scanned', figure: 'cpuMicros', than: 'floor-http', times: 1 },
  { workload: 'upload 256 MiB, scanned', figure: 'cpuMicros', than: 'floor-http', times: 1.2 },
  { workload: 'download 256 MiB', figure: 'cpuMicros', than: 'floor-http', times: 1.2 },
  { workload: 'SSE, 50 streams', figure: 'p50Micros', than: 'floor-http', times: 1.3 },
  { workload: '10,000 idle tunnels', figure: 'heldBytes', than: 'floor-http', times: 0.8 },
  { workload: 'HTTP/2, 32 streams', figure: 'perSecond', than: 'floor-http', times: 0.5 },
  { workload: 'WebSocket echo x8', figure: 'perSecond', than: 'floor-pipe', times: 0.5 },
  { workload: 'WebSocket echo, 100 KB, scanned', figure: 'perSecond', than: 'floor-pipe', times: 0.5 },
  { figure: 'listenMs', than: 'floor-http', times: 1.5 },
  { figure: 'idleBytes', than: 'floor-http', times: 1.25 },
];
