// What lies in the file beside the document: base64 of raw deflate, unpacked when it is first asked for.

import type { Report } from "./schema";

const SCHEMA = "seamripper.report/1";

export function readReport(): Report {
  const text = document.getElementById("report")?.textContent;
  if (!text) throw new Error("this page has no report in it");
  const report = JSON.parse(text) as Report;
  if (report.schema !== SCHEMA) throw new Error(`expected a report ${SCHEMA}, found ${report.schema}`);
  return report;
}

const unpacked = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

export const hasBlob = (name: string) => document.getElementById(`blob-${name}`) !== null;

export function blob(name: string): Promise<Uint8Array<ArrayBuffer>> {
  let found = unpacked.get(name);
  if (!found) unpacked.set(name, (found = unpack(name)));
  return found;
}

async function unpack(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const element = document.getElementById(`blob-${name}`);
  if (!element) throw new Error(`this report has no ${name}`);
  const deflated = fromBase64(element.textContent ?? "");
  element.textContent = ""; // a few megabytes that nobody reads again
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
