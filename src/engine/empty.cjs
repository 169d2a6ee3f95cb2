// Stands for the parts of the Docker client that load-client.ts leaves out.
module.exports = {};
