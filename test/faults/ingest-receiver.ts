/**
 * The service's way from OTLP/HTTP into chDB as a process that can be killed. Prints its port; reads commands, one a
 * line: `fill BYTES` leaves so many bytes free on the disk, `free` undoes it, `end` prints what is stored.
 */
import { closeSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type EncodedRows, openStore } from "@armspan/store";
import { IngestBuffer } from "../../packages/service/src/ingest/ingest-buffer.ts";
import { createOtlpReceiver } from "../../packages/service/src/ingest/otlp-receiver.ts";

const [folder] = process.argv.slice(2) as [string];
const filler = join(folder, "filler");

const silent = { level: "silent", child: () => silent } as never;
for (const level of ["fatal", "error", "warn", "info", "debug", "trace", "silent"]) {
	(silent as Record<string, unknown>)[level] = () => {};
}

const store = await openStore({ kind: "embedded", path: join(folder, "clickhouse") });
await store.migrate();
const insert = (batches: EncodedRows[]) => store.insertEncoded(batches);
const traces = new IngestBuffer<EncodedRows>({ insert, delayMs: 20 });
const logs = new IngestBuffer<EncodedRows>({ insert, delayMs: 20 });
const app = createOtlpReceiver({ traces, logs, token: undefined, logger: silent });
await app.listen({ host: "127.0.0.1", port: 0 });
process.stdout.write(`listening ${(app.server.address() as AddressInfo).port}\n`);

for await (const line of createInterface({ input: process.stdin })) {
	const [command, argument] = line.split(" ");
	if (command === "fill") {
		const descriptor = openSync(filler, "a");
		const { bavail, bsize } = statfsSync(folder);
		const chunk = Buffer.alloc(65_536);
		for (let left = bavail * bsize - Number(argument); left > 0; left -= chunk.length) {
			writeSync(descriptor, chunk, 0, Math.min(left, chunk.length));
		}
		closeSync(descriptor);
		process.stdout.write("filled\n");
	} else if (command === "free") {
		rmSync(filler, { force: true });
		process.stdout.write("freed\n");
	} else {
		await Promise.all([app.close(), traces.close(), logs.close()]);
		const calls = (await store.callIds({})).map(({ spanId }) => spanId);
		const { arms } = await store.metricTotals({
			...{ experiment: "faults", iteration: 1, unitType: "user", prompt: "", metrics: [], asOf: new Date() },
		});
		const counted = arms.reduce((sum, arm) => sum + arm.calls, 0);
		const peakMb = process.resourceUsage().maxRSS / 1000;
		await store.close();
		process.stdout.write(`${JSON.stringify({ calls, counted, peakMb })}\n`, () => process.exit());
	}
}
