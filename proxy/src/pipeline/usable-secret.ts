// What can be a route's credential, and where: checked when a configuration is compiled.
import type { Route, SecretValue } from '../contract.ts';
import { ProxyFailure } from '../failure.ts';

/** Fields that frame a message or name its host: never a place for a credential. */
export const FRAMING =
  /^(host|content-length|transfer-encoding|connection|upgrade|te|trailer|expect|keep-alive|proxy-.*)$/;

export function secretOf(route: Route, name: string, secrets: ReadonlyMap<string, SecretValue>): SecretValue {
  const secret = secrets.get(name);
  if (secret === undefined) throw unusable(route, `there is no secret ${name}`, `add ${name} to secrets`);
  if (secret.value === '') throw unusable(route, `secret ${name} is empty`, 'give it a value');
  return secret;
}

export function checkHeaderSafe(route: Route, secret: string, value: string): void {
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value) || value.trim() !== value) {
    throw unusable(
      route,
      `secret ${secret} cannot stand in a header: it holds a line break, a control character or outer white space`,
      'take the value without its line end',
    );
  }
}

/** In lower case. */
export function checkHeaderName(route: Route, name: string): string {
  const header = name.toLowerCase();
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(header) || FRAMING.test(header)) {
    throw unusable(route, `auth cannot use the header "${name}"`, 'name a header that carries credentials');
  }
  return header;
}

export function unusable(route: Route, why: string, fix: string): ProxyFailure {
  return new ProxyFailure({ what: `route ${route.id} (${route.host}) cannot be enforced`, why, fix });
}
