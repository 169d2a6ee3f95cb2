// The contract between the CLI and the proxy process: its configuration, its line protocol and its audit record.
//
// Only this file may be imported by src/; its parts lie in contract/. The proxy is always a process of its own:
//
//   node main.ts serve    stdin: one ProxyConfig line, then ControlMessage lines; end of stdin stops it.
//                         stdout: ProxyEvent lines. Runs in the sidecar, or as a child of `bottle proxy`.
//   node main.ts decide   stdin: one DecideRequest line. stdout: one Decision line. No network.
//   node main.ts index    stdin: one IndexRequest line. stdout: one SourceIndexed line. No network.
//   node main.ts scan     stdin: one ScanRequest line, then the bytes of the target `-`, if any. stdout: ScanEvent lines. No network.
//   node main.ts relay    in the agent's network namespace (sealed); environment: RelayEnv. stdout: RelayEvent lines.
//   node main.ts probe    in the agent's network namespace (internal); environment: ProbeEnv. stdout: one ProbeReport line.

export * from './contract/config.ts';
export type * from './contract/control.ts';
export type * from './contract/decide.ts';
export * from './contract/limits.ts';
export * from './contract/record.ts';
export * from './contract/route.ts';
export type * from './contract/scan.ts';
export * from './contract/sidecars.ts';
export { DETECTOR_IDS, PROFILES, type Profile, type ProfileName } from './dlp/profiles.ts';
export { makePlaceholder, makePlaceholders } from './invented/placeholder.ts';
export { BASE62, randomChars, UPPER, withChecksum } from './invented/random-text.ts';
export { parseJsonObject } from './json-object.ts';
