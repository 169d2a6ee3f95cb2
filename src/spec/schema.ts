// The spec's schema. (In progress: for now the effective spec's type.)

export type * from './bottle.ts';
