package websockets

// maxWorkers is the most that Options.Workers may be.
const maxWorkers = 1 << 16
