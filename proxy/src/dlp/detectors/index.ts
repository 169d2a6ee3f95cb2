// All built-in detectors.
import { azure } from './azure.ts';
import { chat } from './chat.ts';
import { ci } from './ci.ts';
import { clouds } from './clouds.ts';
import { codeHosts } from './code-hosts.ts';
import { databases } from './databases.ts';
import type { Detector } from './detector.ts';
import { finance } from './finance.ts';
import { frameworks } from './frameworks.ts';
import { generic } from './generic.ts';
import { hosting } from './hosting.ts';
import { infrastructure } from './infrastructure.ts';
import { keys } from './keys.ts';
import { mail } from './mail.ts';
import { modelServices } from './model-services.ts';
import { models } from './models.ts';
import { monitoring } from './monitoring.ts';
import { office } from './office.ts';
import { payments } from './payments.ts';
import { personal } from './personal.ts';
import { packages } from './registries.ts';
import { structured } from './structured.ts';
import { wallets } from './wallets.ts';

export const DETECTORS: readonly Detector[] = [
  ...codeHosts,
  ...clouds,
  ...azure,
  ...hosting,
  ...infrastructure,
  ...models,
  ...modelServices,
  ...packages,
  ...ci,
  ...databases,
  ...chat,
  ...mail,
  ...payments,
  ...monitoring,
  ...office,
  ...frameworks,
  ...keys,
  ...wallets,
  ...structured,
  ...finance,
  ...personal,
  ...generic,
];

/** The detectors with these ids, or those that are on by default. */
export function activeDetectors(ids: readonly string[] | null): readonly Detector[] {
  return DETECTORS.filter((one) => (ids === null ? one.byDefault : ids.includes(one.id)));
}
