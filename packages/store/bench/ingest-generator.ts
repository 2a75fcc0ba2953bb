/** Sends export requests over some connections for some seconds; prints how many spans were acknowledged. */
import { Agent, request } from "node:http";
import { gzipSync } from "node:zlib";
import { type Encoding, exportBody } from "./export-bodies.ts";

const [url, encoding, compression, connections, spansPerBody, seconds] = process.argv.slice(2) as [
	string,
	Encoding,
	"gzip" | "none",
	...string[],
];
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const headers = {
	"content-type": encoding === "json" ? "application/json" : "application/x-protobuf",
	...(compression === "gzip" ? { "content-encoding": "gzip" } : {}),
};
const statuses: Record<string, number> = {};

function post(body: Buffer): Promise<number> {
	return new Promise((resolve, reject) => {
		const sent = request(url, { method: "POST", agent, headers: { ...headers, "content-length": body.length } });
		sent.on("response", (response) => {
			response.resume().on("end", () => resolve(response.statusCode ?? 0));
		});
		sent.on("error", reject);
		sent.end(body);
	});
}

/** Compressing is the sender's work, and not what is measured: a few bodies are compressed beforehand and sent again. */
const ready =
	compression === "gzip"
		? Array.from({ length: 20 }, () => gzipSync(exportBody(Number(spansPerBody), encoding).bytes, { level: 1 }))
		: undefined;

async function send(until: number, body = exportBody(Number(spansPerBody), encoding)): Promise<number> {
	let acknowledged = 0;
	for (let count = 0; performance.now() < until; count++) {
		if (ready === undefined) body.renew();
		const status = await post(ready?.[count % ready.length] ?? body.bytes);
		statuses[status] = (statuses[status] ?? 0) + 1;
		if (status === 200) acknowledged += Number(spansPerBody);
		else await new Promise((resolve) => setTimeout(resolve, 1000));
	}
	return acknowledged;
}

const bodies = Array.from({ length: Number(connections) }, () => exportBody(Number(spansPerBody), encoding));
const cpu = process.cpuUsage();
const begin = performance.now();
const sums = await Promise.all(bodies.map((body) => send(begin + Number(seconds) * 1000, body)));
const elapsedSeconds = (performance.now() - begin) / 1000;
const { user, system } = process.cpuUsage(cpu);
const spans = sums.reduce((total, sum) => total + sum, 0);
process.stdout.write(`${JSON.stringify({ spans, elapsedSeconds, cpuSeconds: (user + system) / 1e6, statuses })}\n`);
agent.destroy();
