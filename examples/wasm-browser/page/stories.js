// stories: setups with a script. Their times are seconds.
import { seconds } from './time.js'

const hello = { at: 3, do: 'send', end: 'client', text: 'hello', say: 'The client says hello. The server’s application sends every message back.' }
const opening = { at: 0, say: 'The client asks for an upgrade, and the server accepts.' }

const all = {
  hello: {
    name: 'Hello',
    about: 'A conversation in which nothing goes wrong, from the handshake to the last byte.',
    from: 3.4,
    steps: [
      opening, hello,
      { at: 7, do: 'send', end: 'client', text: 'one ', more: true, say: 'A message in three fragments. Each comes back as it arrives.' },
      { at: 7.5, do: 'send', end: 'client', text: 'two ', more: true, say: 'The second one.' },
      { at: 8, do: 'send', end: 'client', text: 'three', say: 'And the last one, which has FIN.' },
      { at: 16, say: 'The server has been open for its ping interval: it pings, and the client answers.' },
      { at: 20, do: 'close', end: 'client', code: 1000, reason: 'bye', say: 'The client closes. The server answers with the same code, and ends its output first.' }
    ]
  },
  silent: {
    name: 'A peer falls silent',
    about: 'The link breaks without a word, as when a phone leaves the network. Nobody is told: only time tells.',
    from: 2,
    steps: [
      opening, hello,
      { at: 6, do: 'wire', to: 'both', state: 'held', say: 'The link breaks. Whatever is sent now gets stuck halfway.' },
      { at: 16, say: 'The server pings, here and every 15 s, and hears nothing.' },
      { at: 62, say: 'It last heard the client at 4 s. At 62 s, 58 s later, it gives up: 1001, “going away”.' },
      { at: 63, say: 'The client last heard the server at 5 s, and comes to the same verdict.' },
      { at: 67, say: 'The close timeout of 5 s ends the wait for an answer.' }
    ]
  },
  pong: {
    name: 'No pong',
    about: 'The way back is broken, and the server has a pong timeout: it finds out long before the connection timeout.',
    from: 2,
    setup: { server: { pongTimeout: seconds(5) } },
    steps: [
      opening,
      { at: 10, do: 'wire', to: 'server', state: 'held', say: 'The way from the client to the server breaks.' },
      { at: 16, say: 'The server pings. The client answers, but the pong gets stuck.' },
      { at: 21, say: 'Five seconds are over: the server closes with 1001.' },
      { at: 22, say: 'The client hears that, though its answer will never arrive.' }
    ]
  },
  crossing: {
    name: 'Crossing closes',
    about: 'Both ends close at the same moment. Each takes the other’s close frame for the answer to its own.',
    from: 2,
    steps: [
      opening,
      { at: 4, do: 'close', end: 'client', code: 1000, reason: 'done', say: 'The client closes,' },
      { at: 4, do: 'close', end: 'server', code: 1001, reason: 'restarting', say: 'and so does the server.' },
      { at: 5, say: 'The frames have crossed. The server ends its output at once, the client waits for that.' }
    ]
  },
  unanswered: {
    name: 'Unanswered close',
    about: 'A closing handshake is bounded too: by the close timeout.',
    from: 2,
    steps: [
      opening,
      { at: 4, do: 'wire', to: 'server', state: 'held', say: 'The way from the client to the server breaks.' },
      { at: 5, do: 'close', end: 'server', code: 1000, say: 'The server closes. The client answers, but the answer gets stuck.' },
      { at: 10, say: 'The close timeout of 5 s is over: the server fails with 1006.' }
    ]
  },
  bytes: {
    name: 'Byte by byte',
    about: 'A stream has no packets. The state machine keeps what it has of a header, of a character, of a control frame.',
    from: 2,
    steps: [
      opening,
      { at: 3, do: 'pieces', byteByByte: true, say: 'From now on the wire delivers one byte at a time, ten a second.' },
      { at: 3, do: 'send', end: 'client', text: 'né', say: 'A text whose last character takes two bytes. Look at hdr, left and utf8 of the server.' },
      { at: 6, do: 'ping', end: 'client', text: 'ok?', say: 'A ping with a payload. It is collected in slot, and then answered.' }
    ]
  },
  violation: {
    name: 'A broken rule',
    about: 'A peer that breaks the protocol is told which rule it broke, and that is the end of the connection.',
    from: 2,
    steps: [
      opening,
      { at: 3, do: 'inject', to: 'server', what: 'utf8', say: 'A text message that is not UTF-8 slips onto the wire.' },
      { at: 4, say: 'The server delivers what is before the first wrong byte, and closes with 1007.' },
      { at: 5, say: 'The client takes that for a close like any other.' }
    ]
  },
  slow: {
    name: 'Slow handshake',
    about: 'A client that sends its request byte by byte, to hold a server’s memory for as long as it can.',
    from: 1,
    setup: { byteByByte: true, client: { handshakeTimeout: 0n } },
    steps: [
      { at: 0, say: 'The request is on its way: ten bytes a second.' },
      { at: 10, say: 'The server has waited for 10 s, its handshake timeout. It answers with 408 and ends.' }
    ]
  },
  sleep: {
    name: 'A laptop sleeps',
    about: 'A machine that was suspended finds its deadlines long past. That says nothing about the peer, so there is a grace.',
    from: 2,
    setup: { server: { pingInterval: 0n, connectionTimeout: 0n } },
    steps: [
      opening,
      { at: 5, do: 'sleep', end: 'client', asleep: true, say: 'The client’s machine is suspended. The server is set to wait for ever.' },
      { at: 60, say: 'The client’s connection timeout passes, but nobody is awake to notice.' },
      { at: 100, do: 'sleep', end: 'client', asleep: false, say: 'It wakes, 40 s too late. In place of a verdict it pings and waits 5 s more.' },
      { at: 102, say: 'The pong is there: the peer lives.' }
    ]
  },
  full: {
    name: 'Stuck output',
    about: 'The client writes, and the transport takes none of it: the peer has stopped reading. That is silence too.',
    from: 2,
    setup: { server: { connectionTimeout: 0n } },
    steps: [
      opening,
      { at: 4, do: 'wire', to: 'server', state: 'full', say: 'The wire to the server takes no more bytes.' },
      { at: 5, do: 'send', end: 'client', text: 'hello', say: 'The client sends. The write timer begins: see unsent and stall.' },
      { at: 63, say: '58 s later the client gives up, and aborts: what is unsent cannot be sent.' }
    ]
  },
  free: {
    name: 'Your own',
    about: 'An open connection, and nothing is planned. What you do is noted here; go back in time to do it differently.',
    from: 2,
    steps: [opening]
  }
}

// The settings that all stories begin with; the rest are the module's own.
export const usual = {
  client: { pingInterval: 0n }, // as in a browser
  server: { pings: 1 }, // they are answered
  latency: seconds(1),
  byteByByte: false,
  answer: 'accept',
  echo: true
}

export const stories = Object.entries(all).map(([id, { name, about, from, setup = {}, steps }]) => ({
  id,
  name,
  about,
  from: seconds(from),
  setup: { ...usual, ...setup, client: { ...usual.client, ...setup.client }, server: { ...usual.server, ...setup.server } },
  script: steps.map(step => ({ ...step, at: seconds(step.at) }))
}))
