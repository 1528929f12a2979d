// Node's net as its users write it. The options are those of server.h.
'use strict';
const net = require('net');

const argv = process.argv.slice(2);
const option = (name, otherwise) =>
  argv.includes(name) ? argv[argv.indexOf(name) + 1] : otherwise;
const framed = option('--work', 'echo') === 'framed';
const corked = argv.includes('--cork');
const HEADER = 4;

function answerFrames(socket) {
  let partial = null;
  socket.on('data', (data) => {
    if (partial !== null) data = Buffer.concat([partial, data]);
    if (corked) socket.cork();
    let at = 0;
    while (data.length - at >= HEADER) {
      const end = at + HEADER + data.readUInt32LE(at);
      if (end > data.length) break;
      socket.write(data.subarray(at, end));
      at = end;
    }
    if (corked) socket.uncork();
    partial = at < data.length ? data.subarray(at) : null;
  });
}

const server = net.createServer({noDelay: true}, (socket) => {
  socket.on('error', () => socket.destroy());
  if (framed) {
    answerFrames(socket);
  } else {
    socket.on('data', (data) => socket.write(data));
  }
});

process.on('SIGUSR2', () => {
  global.gc();
  console.log(process.memoryUsage().rss);  // its heap knows nothing of the sockets below it
});
server.listen({port: Number(option('--port', '0')), host: '127.0.0.1', backlog: 4096}, () => {
  console.log(server.address().port);
});
