// What planning needs to know of this machine, this user and this start. Gathered by session/, so that planning stays pure.
import type { Hidden } from '../workspace/hide.ts';
import type { AgentUser } from './plan.ts';

export interface Facts {
  /** `<name>-<6 hex>` */
  readonly session: string;
  /** Which process of which boot owns the session: label `bottle.owner`. */
  readonly owner: string;
  readonly images: { readonly agent: string; readonly proxy: string };
  /** What the agent's image starts by itself; known only where files are placed before that. */
  readonly imageStart: ImageStart | null;
  readonly user: AgentUser;
  /** Instead of the spec's command; null = the spec's. */
  readonly command: readonly string[] | null;
  readonly terminal: {
    readonly tty: boolean;
    /** TERM and the like of the person's terminal; empty without one. */
    readonly env: Readonly<Record<string, string>>;
    /** Rows and columns; null without one. */
    readonly size: readonly [number, number] | null;
  };
  readonly files: {
    /** Directory for the audit log, mounted into the sidecar. */
    readonly logDirectory: string;
    readonly passwd: string;
    readonly group: string;
    /** Text with fake secrets; there only where the spec wants canaries. */
    readonly canaries: string;
    /** An empty file that nobody may write: what a hidden file looks like. */
    readonly empty: string;
    /** Directory with `ca.pem` and `truststore.jks`, empty files until the session has its certificate. */
    readonly trustDirectory: string;
  };
  readonly hidden: readonly Hidden[];
  /** CPUs of the engine. */
  readonly engineCpus: number;
  /** Sockets of engines and our own state: no mount may hold them. */
  readonly forbiddenMounts: readonly string[];
  /** Used in the internal topology alone. */
  readonly subnet: Subnet;
  readonly probe: {
    /** `ADDR:PORT` that must not answer. */
    readonly tcp: readonly string[];
    readonly dns: readonly string[];
  };
  /** More ways for the sidecar alone: names with their addresses, and networks of services on this engine. */
  readonly proxyHosts: Readonly<Record<string, string>>;
  readonly proxyNetworks: readonly string[];
}

export interface ImageStart {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/** The /29 of an internal network, and who has which address in it. */
export interface Subnet {
  readonly cidr: string;
  readonly gateway: string;
  readonly proxy: string;
  readonly agent: string;
  readonly probe: string;
}
