// What most tests need: an upstream, a proxy that allows it, and both ended afterwards.

import type { RequestListener } from 'node:http';
import type { Route, SecretValue } from '../../../src/contract.ts';
import { routeTo, type TestConfig, testConfig } from './config.ts';
import { type RunningProxy, startProxy } from './proxy.ts';
import { later } from './undo.ts';
import {
  type HttpUpstream,
  httpUpstream,
  rawUpstream,
  testAuthority,
  type Upstream,
  type UpstreamPeer,
} from './upstream.ts';

export { undoAll as endSettings } from './undo.ts';

export const HOST = 'api.example';

export interface SettingOptions extends Partial<Omit<TestConfig, 'routes' | 'roots' | 'map'>> {
  /** Of the route to HOST. */
  readonly route?: Partial<Route>;
  readonly secrets?: readonly SecretValue[];
}

export async function proxyTo(
  upstream: { readonly address: string },
  roots: string,
  options: SettingOptions = {},
): Promise<RunningProxy> {
  const route = routeTo(HOST, options.route);
  const map = { [`${HOST}:${route.ports[0]}`]: upstream.address };
  const proxy = await startProxy((directory) => testConfig(directory, { ...options, routes: [route], roots, map }));
  later(() => proxy.stop());
  return proxy;
}

/** A proxy in front of an upstream that speaks raw bytes. */
export async function rawSetting(
  serve: (peer: UpstreamPeer) => void,
  options: SettingOptions = {},
): Promise<{ proxy: RunningProxy; upstream: Upstream }> {
  const authority = testAuthority();
  const upstream = await rawUpstream(options.route?.scheme === 'http' ? null : authority, serve);
  later(() => upstream.close());
  return { upstream, proxy: await proxyTo(upstream, authority.certificatePem, options) };
}

/** A proxy in front of a node:http server. */
export async function httpSetting(
  listener: RequestListener,
  options: SettingOptions = {},
): Promise<{ proxy: RunningProxy; upstream: HttpUpstream }> {
  const authority = testAuthority();
  const upstream = await httpUpstream(options.route?.scheme === 'http' ? null : authority, listener);
  later(() => upstream.close());
  return { upstream, proxy: await proxyTo(upstream, authority.certificatePem, options) };
}
