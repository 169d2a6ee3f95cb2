import { expect, it } from 'vitest';
import { chooseStale } from '../../../src/images/prune.ts';

const NOW_S = 1_000_000;
const image = (tag: string, ageS: number) => ({ tag, created: NOW_S - ageS });

it('the newest two images of each name stay', () => {
  const images = [
    image('a:1', 90_000),
    image('a:2', 80_000),
    image('a:3', 70_000),
    image('b:1', 95_000),
    image('b:2', 99_000),
  ];
  expect(chooseStale(images, NOW_S)).toEqual(['a:1']);
});

it('an image younger than an hour stays, however many there are', () => {
  const images = [image('a:1', 3000), image('a:2', 2000), image('a:3', 1000), image('a:4', 4000)];
  expect(chooseStale(images, NOW_S)).toEqual(['a:4']);
});
