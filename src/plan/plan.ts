// What a plan is: the steps from nothing to a running agent, as data. Each is roughly one call to the engine.
// A plan holds names of secrets and placeholders, never values, so that it can be printed.

export type Role = 'proxy' | 'relay' | 'agent' | 'probe';

export interface Plan {
  readonly session: string;
  readonly name: string;
  readonly topology: 'sealed' | 'internal';
  readonly agentUser: AgentUser;
  readonly steps: readonly Step[];
}

export interface AgentUser {
  readonly uid: number;
  readonly gid: number;
  /** Why this one, for people. */
  readonly reason: string;
}

interface StepBase {
  readonly id: string;
  /** Ids of the steps that must have ended before. */
  readonly after: readonly string[];
}

export type Step = StepBase &
  (
    | { readonly do: 'ensure-network'; readonly name: string; readonly network: NetworkSpec }
    | { readonly do: 'create-network'; readonly name: string; readonly network: NetworkSpec }
    | {
        readonly do: 'create-container';
        readonly role: Role;
        readonly name: string;
        readonly container: ContainerSpec;
        /** Secrets whose placeholders are added to the environment, each as a variable of its name. */
        readonly placeholders: readonly string[];
      }
    | { readonly do: 'connect-network'; readonly role: Role; readonly network: string; readonly address: string | null }
    | { readonly do: 'attach'; readonly role: Role }
    | { readonly do: 'start'; readonly role: Role }
    | { readonly do: 'send-config'; readonly role: 'proxy'; readonly secrets: readonly string[] }
    | { readonly do: 'await-ready'; readonly role: Exclude<Role, 'agent'>; readonly timeoutMs: number }
    | { readonly do: 'write-trust'; readonly files: readonly TrustFile[] }
  );

export interface TrustFile {
  /** On this machine: mounted into the agent, and empty until the session has its certificate. */
  readonly path: string;
  /** `certificate`: the session CA as PEM; `java`: the same as a Java key store. */
  readonly content: 'certificate' | 'java';
}

/** The body of `POST /containers/create`, as far as we use it. */
export interface ContainerSpec {
  readonly Image: string;
  /** The agent's alone, where files are placed before it starts; `{placeholder:NAME}` in it is filled in at the last moment. */
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly User: string;
  readonly Hostname?: string;
  readonly WorkingDir?: string;
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly Tty: boolean;
  readonly OpenStdin: boolean;
  readonly StdinOnce: boolean;
  readonly AttachStdin: boolean;
  readonly AttachStdout: true;
  readonly AttachStderr: true;
  readonly HostConfig: HostConfig;
  readonly NetworkingConfig?: {
    readonly EndpointsConfig: Readonly<Record<string, { readonly IPAMConfig: { readonly IPv4Address: string } }>>;
  };
}

export interface HostConfig {
  readonly NetworkMode: string;
  readonly PidMode?: string;
  readonly IpcMode: 'private';
  readonly CapDrop: readonly string[];
  readonly CapAdd?: readonly string[];
  readonly SecurityOpt: readonly string[];
  readonly ReadonlyRootfs: true;
  readonly Tmpfs: Readonly<Record<string, string>>;
  readonly Mounts: readonly Mount[];
  readonly VolumesFrom?: readonly string[];
  readonly PidsLimit: number;
  /** Bytes. */
  readonly Memory: number;
  /** Memory and swap together, in bytes: the same as Memory, so no swap. */
  readonly MemorySwap: number;
  /** Billionths of a CPU. */
  readonly NanoCpus: number;
  readonly Init?: true;
  readonly AutoRemove: true;
  readonly LogConfig: { readonly Type: 'none' };
  readonly Ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[];
  readonly Sysctls?: Readonly<Record<string, string>>;
  /** Height and width of the terminal; older engines learn them after the start. */
  readonly ConsoleSize?: readonly [number, number];
  readonly Dns?: readonly string[];
  readonly DnsSearch?: readonly string[];
  readonly ExtraHosts?: readonly string[];
}

export type Mount =
  | { readonly Type: 'bind'; readonly Source: string; readonly Target: string; readonly ReadOnly: boolean }
  | {
      readonly Type: 'volume';
      readonly Target: string;
      readonly ReadOnly: boolean;
      readonly VolumeOptions: { readonly NoCopy: boolean; readonly Labels: Readonly<Record<string, string>> };
    }
  | {
      readonly Type: 'tmpfs';
      readonly Target: string;
      readonly ReadOnly: boolean;
      readonly TmpfsOptions: { readonly SizeBytes: number; readonly Mode: number };
    };

/** The body of `POST /networks/create`, as far as we use it. */
export interface NetworkSpec {
  readonly Driver: 'bridge';
  readonly Internal: boolean;
  readonly EnableIPv6: false;
  readonly Options: Readonly<Record<string, string>>;
  readonly Labels: Readonly<Record<string, string>>;
  readonly IPAM?: { readonly Config: readonly { readonly Subnet: string; readonly Gateway: string }[] };
}
