// All that is measured, in the order of the table.
import { CONNECTION_WORKLOADS } from './workloads/connections.ts';
import { HTTP_WORKLOADS } from './workloads/http.ts';
import { STREAM_WORKLOADS } from './workloads/streams.ts';
import type { Workload } from './workloads/workload.ts';

export const WORKLOADS: readonly Workload[] = [...HTTP_WORKLOADS, ...CONNECTION_WORKLOADS, ...STREAM_WORKLOADS];
