// How heads are written. Pure.
import type { ResponseBody } from '../agent.ts';
import { exchangeField, fieldValue, withField, withoutFields } from './fields.ts';

/** Fields with the framing that the receiver's version of HTTP has for this kind of body. */
export function frameFields(rawHeaders: readonly string[], body: ResponseBody, isHttp10: boolean): readonly string[] {
  if (body !== 'stream') return rawHeaders;
  // HTTP/1.0 knows no chunks: the end of the connection ends the body.
  if (isHttp10) return withoutFields(rawHeaders, ['transfer-encoding', 'content-length']);
  if (fieldValue(rawHeaders, 'content-length') !== null) {
    return exchangeField(rawHeaders, 'content-length', 'Transfer-Encoding', 'chunked');
  }
  return withField(rawHeaders, 'Transfer-Encoding', 'chunked');
}

/** A response's status line and field lines, without the empty line. */
export function headText(status: number, reason: string, rawHeaders: readonly string[]): string {
  let text = `HTTP/1.1 ${status} ${reason}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return text;
}
