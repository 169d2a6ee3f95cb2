// The key that a secret stands for, where it is written in hex or base64. Pure.
import type { HmacAuth, Route, SecretValue } from '../../contract.ts';

/** null = it is not written so. */
export function keyOf({ secretEncoding }: Pick<HmacAuth, 'secretEncoding'>, value: string): Buffer | null {
  switch (secretEncoding) {
    case 'utf8':
      return Buffer.from(value, 'utf8');
    case 'hex':
      return /^(?:[0-9a-f]{2})+$/i.test(value) ? Buffer.from(value, 'hex') : null;
    case 'base64': {
      // Both alphabets, with or without padding; Buffer would skip what it does not know.
      const isWhole = /^[A-Za-z0-9+/_-]{2,}={0,2}$/.test(value) && value.replace(/=+$/, '').length % 4 !== 1;
      return isWhole ? Buffer.from(value, 'base64') : null;
    }
    default:
      return secretEncoding satisfies never;
  }
}

/** Keys as somebody else may write them: as secret as the secrets, which are searched for as they are. */
export function otherFormsOfKeys(routes: readonly Route[], secrets: readonly SecretValue[]): readonly SecretValue[] {
  const keyed = routes.flatMap(({ auth }) => (auth?.type === 'hmac' && auth.secretEncoding !== 'utf8' ? [auth] : []));
  return keyed.flatMap((auth) =>
    secrets
      .filter(({ name }) => name === auth.secret)
      .flatMap((secret) => {
        const key = keyOf(auth, secret.value);
        const form = auth.secretEncoding === 'hex' ? 'base64' : 'hex';
        return key === null ? [] : [{ ...secret, value: key.toString(form), placeholder: '' }];
      }),
  );
}
