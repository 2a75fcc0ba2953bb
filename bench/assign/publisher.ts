// Publishes revisions of a large bundle, as another process does: a line on stdin is the next revision.

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { writeBundle } from "@armspan/router";
import { twoArms } from "./bundles.ts";

const [flags = "1000", directory] = process.argv.slice(2);
let served = bundleOf(1);
const streams = new Set<{ write(text: string): void }>();

function bundleOf(revision: number) {
	// A gate that moves changes every flag's targeting, and no prompt.
	return twoArms(Number(flags), 0.1 + revision * 0.001, revision);
}

function digestOf(text: string): string {
	return createHash("sha256").update(text).digest("hex");
}

const server = createServer((request, response) => {
	const path = (request.url ?? "").replace("/routing/v1/", "");
	if (path === "events") {
		response.writeHead(200, { "content-type": "text/event-stream" }).write(": hello\n\n");
		streams.add(response);
		return;
	}
	const body =
		path === "routing.json" ? served.json : served.prompts.get(path.slice("prompts/".length, -".prompt".length));
	if (body === undefined) response.writeHead(404).end();
	else response.writeHead(200, { etag: `"${digestOf(served.json)}"` }).end(body);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
if (directory !== undefined) await writeBundle(directory, served);
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
for await (const line of createInterface({ input: process.stdin })) {
	served = bundleOf(Number(line));
	if (directory !== undefined) await writeBundle(directory, served);
	for (const stream of streams) stream.write(`event: bundle\ndata: {"digest":"${digestOf(served.json)}"}\n\n`);
	console.log(line);
}
process.exit();
