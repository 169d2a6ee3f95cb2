// Shows a plan to a person: what is made, in which order, with every flag. There is no value of a secret in a plan.
import { stringify } from 'yaml';
import type { Plan, Step } from './plan.ts';

export function formatPlan(plan: Plan): string {
  const { uid, gid, reason } = plan.agentUser;
  const head = [
    `bottle ${plan.name}: ${plan.topology}`,
    `agent runs as ${uid}:${gid} (${reason}), without capabilities`,
    `session ${plan.session}`,
  ];
  return `${[head.join('\n'), ...plan.steps.map(formatStep)].join('\n\n')}\n`;
}

function formatStep(step: Step, index: number): string {
  const after = step.after.length === 0 ? '' : ` (after ${step.after.join(', ')})`;
  const head = `${String(index + 1).padStart(2)}. ${step.id}: ${describe(step)}${after}`;
  const details = detailsOf(step);
  return details === undefined ? head : `${head}\n${indent(stringify(details, { lineWidth: 0 }))}`;
}

function describe(step: Step): string {
  switch (step.do) {
    case 'ensure-network':
      return `make the network ${step.name} unless it is there`;
    case 'create-network':
      return `make the network ${step.name}`;
    case 'create-container':
      return `create the container ${step.name}`;
    case 'connect-network':
      return `connect the ${step.role} to the network ${step.network}${step.address === null ? '' : ` as ${step.address}`}`;
    case 'attach':
      return `attach to the streams of the ${step.role}`;
    case 'start':
      return `start the ${step.role}`;
    case 'send-config':
      return step.secrets.length === 0
        ? 'send the configuration to the sidecar over stdin'
        : `send the configuration to the sidecar over stdin, with the values of ${step.secrets.join(', ')}`;
    case 'await-ready':
      return step.role === 'proxy'
        ? `wait until the sidecar serves (${step.timeoutMs / 1000} s at most)`
        : `wait until the ${step.role} has proved that nothing gets out past the sidecar (${step.timeoutMs / 1000} s at most)`;
    case 'write-trust':
      return "write the session's certificate where the agent has it mounted";
    default:
      return step satisfies never;
  }
}

function detailsOf(step: Step): unknown {
  switch (step.do) {
    case 'ensure-network':
    case 'create-network':
      return step.network;
    case 'create-container':
      return {
        ...step.container,
        Env: [...step.container.Env, ...step.placeholders.map((name) => `${name}=<placeholder ${name}>`)],
      };
    case 'write-trust':
      return step.files.map(({ path, content }) => `${path} (${content})`);
    default:
      return undefined;
  }
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '      ');
}
