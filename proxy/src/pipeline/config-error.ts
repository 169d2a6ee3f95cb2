// A configuration that cannot be enforced: what, why and fix, as the CLI prints them.

export class ConfigError extends Error {
  readonly what: string;
  readonly why: string;
  readonly fix: string;

  constructor(what: string, why: string, fix: string) {
    super(`${what}: ${why}; ${fix}`);
    this.name = 'ConfigError';
    this.what = what;
    this.why = why;
    this.fix = fix;
  }
}
