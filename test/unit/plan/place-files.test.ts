import { describe, expect, it } from 'vitest';
import { assertContained } from '../../../src/plan/assert-contained.ts';
import { placingFiles } from '../../../src/plan/place-files.ts';
import type { Plan } from '../../../src/plan/plan.ts';
import { planBottle } from '../../../src/plan/plan-bottle.ts';
import { formatPlan } from '../../../src/plan/print-plan.ts';
import { aBottle, someFacts } from './a-bottle.ts';

const FILE = { path: '/home/agent/.tool/auth.json', text: 'token={placeholder:API_TOKEN}' };
const START = { entrypoint: ['/init', '--'], command: ['serve'] };

describe('placing files', () => {
  it.each([
    ['the image starts by itself', [], ['/init', '--', 'serve']],
    ['the spec says', ['npm', 'test'], ['/init', '--', 'npm', 'test']],
  ])('comes before what %s', (_, command, expected) => {
    const { Entrypoint, Cmd } = placingFiles([FILE], START, command);
    expect(Cmd).toEqual(expected);
    expect(Entrypoint?.slice(0, 2)).toEqual(['/bin/sh', '-c']);
    expect(Entrypoint?.slice(3)).toEqual(['bottle', '1', FILE.path, FILE.text]);
  });

  it('changes nothing where there are none', () => {
    expect(placingFiles([], null, [])).toEqual({});
    expect(placingFiles([], null, ['npm'])).toEqual({ Cmd: ['npm'] });
  });

  it.each(['sealed', 'internal'] as const)('is a part of the plan of a %s agent alone, without a value', (network) => {
    const bottle = aBottle();
    const agent = { ...bottle.agent, files: [FILE], network };
    const plan = planBottle({ ...bottle, agent }, someFacts({ imageStart: START }));
    const created = plan.steps.filter((step) => step.do === 'create-container');
    const holders = created.filter(({ container }) => JSON.stringify(container).includes(FILE.path));
    expect(holders.map(({ role }) => role)).toEqual(['agent']);
    expect(formatPlan(plan)).toContain('token={placeholder:API_TOKEN}');
    // Nothing of the machine is mounted for it.
    expect(JSON.stringify(holders[0]?.container.HostConfig)).not.toContain('.tool');
  });

  it('is refused for a container of ours', () => {
    const plan = planBottle(aBottle(), someFacts());
    const steps = plan.steps.map((step) =>
      step.do === 'create-container' && step.role === 'proxy'
        ? { ...step, container: { ...step.container, Entrypoint: ['/bin/sh'] } }
        : step,
    );
    expect(() => assertContained({ ...plan, steps } satisfies Plan, [])).toThrow(/entrypoint/);
  });
});
