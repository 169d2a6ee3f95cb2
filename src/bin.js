// Entry of the CLI, in JavaScript that every Node can read: says so where Node is too old to run the rest.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 19)) {
  await import('./cli.ts');
} else {
  console.error(
    `bottle: Node ${process.versions.node} is too old: this needs 22.19; use bin/bottle, which brings its own (npm run setup)`,
  );
  process.exitCode = 125;
}
