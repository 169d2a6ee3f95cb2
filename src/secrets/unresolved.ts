/** Why a secret has no value; never a part of one. */
export class Unresolved extends Error {}
