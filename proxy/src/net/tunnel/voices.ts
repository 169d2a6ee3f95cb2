// How a tunnel that is not inspected tells its agent that it is open, or why not: by alert, HTTP response, SOCKS reply, or not at all.
import { renderRefusal } from '../../pipeline/refusal.ts';
import type { Refusal, RequestView } from '../../pipeline/types.ts';
import { REPLY, type ReplyCode, socksReply } from '../socks/request.ts';
import type { TunnelPlace, TunnelVoice } from './tunnel.ts';

const NOTHING = Buffer.alloc(0);
const ACCESS_DENIED = 49;
const INTERNAL_ERROR = 80;

export const CONNECT_OPENED = Buffer.from('HTTP/1.1 200 Connection Established\r\n\r\n', 'latin1');

/** A captured connection knows no words but the end. */
export const SILENT: TunnelVoice = { opened: NOTHING, refused: () => NOTHING };

/** The client waits for a ServerHello: a fatal alert is what it can show (RFC 8446, 6.2). */
export const TLS_VOICE: TunnelVoice = {
  opened: NOTHING,
  refused: ({ stage }) => tlsAlert(stage === 'upstream' ? INTERNAL_ERROR : ACCESS_DENIED),
};

export const SOCKS_VOICE: TunnelVoice = {
  opened: socksReply(REPLY.succeeded),
  refused: (refusal) => socksReply(socksCode(refusal)),
};

export function connectVoice({ via, host, port }: TunnelPlace): TunnelVoice {
  const view: RequestView = { via, scheme: 'https', host, port, method: 'CONNECT', target: '/', rawHeaders: [] };
  return {
    opened: CONNECT_OPENED,
    refused: (refusal, id) => {
      const { status, reason, rawHeaders, body } = renderRefusal(refusal, view, id, null);
      const lines = [`HTTP/1.1 ${status} ${reason}`];
      for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
      return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\nconnection: close\r\n\r\n`, 'latin1'), body]);
    },
  };
}

export function tlsAlert(description: number = ACCESS_DENIED): Buffer {
  return Buffer.from([21, 3, 3, 0, 2, 2, description]);
}

function socksCode({ stage, rule }: Refusal): ReplyCode {
  if (stage !== 'upstream') return REPLY.notAllowed;
  return rule === 'connect' ? REPLY.refused : REPLY.unreachable;
}
