import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { Broker } from './transport-url.ts';

/** The AMQP method with which the broker closes a connection. */
export type Closed = { code: number; text: string };

const PROTOCOL_HEADER = Buffer.from('AMQP\0\0\t\x01', 'latin1');
const PROBE_MS = 5_000;
const CONNECTION = 10;
const START_OK = 11;
const TUNE = 30;
const TUNE_OK = 31;
const OPEN = 40;
const CLOSE = 50;
const METHOD_FRAME = 1;
const FRAME_END = 0xce;

/** True when the port speaks TLS, with any certificate. */
export function speaksTls({ host, port }: Broker): Promise<boolean> {
  const socket = connectTls({ host, port, rejectUnauthorized: false });
  return answerOf(socket, (answer) => socket.once('secureConnect', () => answer(true))).then((is) => is === true);
}

/** True when the port speaks AMQP without TLS. */
export function speaksAmqp({ host, port }: Broker): Promise<boolean> {
  const socket = connectPlain({ host, port });
  socket.once('connect', () => socket.write(PROTOCOL_HEADER));
  return answerOf<boolean>(socket, (answer) => {
    socket.once('data', (data) => answer(data[0] === METHOD_FRAME || data.subarray(0, 4).toString() === 'AMQP'));
  }).then((is) => is === true);
}

/**
 * The broker's reason for refusing a virtual host to a user whom it knows; undefined when it gives none. amqplib reports that the broker closed the
 * connection, but not the reason.
 */
export function refusalOfVhost(
  { host, port, username, password }: Broker,
  vhost: string,
  tls: ConnectionOptions | undefined,
): Promise<Closed | undefined> {
  const at = { host, port, ...(isIP(host) === 0 ? { servername: host } : {}) };
  const socket = tls === undefined ? connectPlain({ host, port }) : connectTls({ ...tls, ...at });
  socket.once(tls === undefined ? 'connect' : 'secureConnect', () => socket.write(PROTOCOL_HEADER));
  return answerOf<Closed>(socket, (answer) => {
    let received: Buffer = Buffer.alloc(0);
    let asked = false;
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      for (let frame = frameOf(received); frame !== undefined; frame = frameOf(received)) {
        received = frame.rest;
        if (frame.method === CLOSE) answer(closedOf(frame.fields));
        else if (frame.method === TUNE) {
          // Accepts the broker's proposal: channels, frame size, heartbeat.
          socket.write(Buffer.concat([methodFrame(TUNE_OK, frame.fields), methodFrame(OPEN, openFields(vhost))]));
        } else if (!asked) {
          asked = true;
          socket.write(methodFrame(START_OK, startOkFields(username, password)));
        } else answer(undefined);
      }
    });
  });
}

/** The answer of `listen`, or undefined when the connection ends before. Always destroys the socket. */
function answerOf<Answer>(
  socket: Socket,
  listen: (answer: (value: Answer | undefined) => void) => void,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const tooLate = setTimeout(() => answer(undefined), PROBE_MS);
    const answer = (value: Answer | undefined) => {
      clearTimeout(tooLate);
      resolve(value);
      socket.destroy();
    };
    socket.on('error', () => answer(undefined));
    socket.once('close', () => answer(undefined));
    listen(answer);
  });
}

/** The first method frame of the received bytes, and the rest; undefined while the frame is incomplete. */
function frameOf(received: Buffer): { method: number; fields: Buffer; rest: Buffer } | undefined {
  if (received.length < 8) return undefined;
  const size = received.readUInt32BE(3);
  if (received.length < size + 8 || size < 4) return undefined;
  return {
    method: received.readUInt16BE(9),
    fields: received.subarray(11, 7 + size),
    rest: received.subarray(8 + size),
  };
}

function closedOf(fields: Buffer): Closed {
  const length = fields[2] ?? 0;
  return { code: fields.readUInt16BE(0), text: fields.subarray(3, 3 + length).toString() };
}

function methodFrame(method: number, fields: Buffer): Buffer {
  const head = Buffer.alloc(11);
  head.writeUInt8(METHOD_FRAME, 0);
  head.writeUInt32BE(4 + fields.length, 3);
  head.writeUInt16BE(CONNECTION, 7);
  head.writeUInt16BE(method, 9);
  return Buffer.concat([head, fields, Buffer.from([FRAME_END])]);
}

function startOkFields(username: string, password: string): Buffer {
  const noProperties = Buffer.alloc(4);
  const response = Buffer.from(`\0${username}\0${password}`);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(response.length);
  return Buffer.concat([noProperties, shortText('PLAIN'), length, response, shortText('en_US')]);
}

function openFields(vhost: string): Buffer {
  return Buffer.concat([shortText(vhost), shortText(''), Buffer.from([0])]);
}

function shortText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}
