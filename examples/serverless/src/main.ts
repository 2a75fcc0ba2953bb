import { handle } from "./handler.ts";

/** A platform on one machine: two requests, each frozen when its promises have settled; then it is gone for good. */
const [question = "Where is my parcel?", user = "u-1842"] = process.argv.slice(2);

async function invoke(path: string, body: unknown): Promise<Response> {
	const waiting: Promise<unknown>[] = [];
	const request = new Request(`http://function.local${path}`, { method: "POST", body: JSON.stringify(body) });
	const response = await handle(request, { waitUntil: (promise) => void waiting.push(promise) });
	await Promise.all(waiting);
	return response;
}

const { text, reference } = (await (await invoke("/", { question, user })).json()) as Record<string, string>;
const { status } = await invoke("/feedback", { reference, thumb: "up" });
const forged = await invoke("/feedback", { reference: `${reference}x`, thumb: "up" });
process.stdout.write(`${text}\n${status} ${forged.status}\n`, () => process.kill(process.pid, "SIGKILL"));
