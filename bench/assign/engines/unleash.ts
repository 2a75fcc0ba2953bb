import type { Engine } from "../engine.ts";
import { loadEngine } from "../load-engine.ts";

interface Client {
	on(event: "error" | "warn", listener: () => void): void;
	once(event: "ready", listener: () => void): void;
	getVariant(name: string, context: { userId: string }): { name: string };
	destroy(): void;
}

interface Module {
	readonly Unleash: new (options: object) => Client;
	readonly InMemStorageProvider: new () => object;
}

const FLAG = {
	name: "prompt",
	type: "experiment",
	enabled: true,
	strategies: [
		{
			name: "flexibleRollout",
			parameters: { rollout: "100", stickiness: "userId", groupId: "prompt" },
			constraints: [],
			variants: ["control", "treatment"].map((name) => ({ name, weight: 500, stickiness: "userId" })),
		},
	],
};

/** Bootstrapped, without metrics; its one look for a server is refused at this machine's closed port. */
export async function unleash(): Promise<Engine> {
	const { Unleash, InMemStorageProvider } = await loadEngine<Module>("unleash-client");
	const client = new Unleash({
		appName: "bench",
		url: "http://127.0.0.1:9/",
		refreshInterval: 0,
		disableMetrics: true,
		bootstrap: { data: [FLAG] },
		storageProvider: new InMemStorageProvider(),
	});
	client.on("error", () => undefined);
	client.on("warn", () => undefined);
	await new Promise<void>((resolve) => client.once("ready", resolve));
	return {
		name: "unleash-client",
		context: (userId) => ({ userId }),
		run(contexts) {
			let treatments = 0;
			for (let index = 0; index < contexts.length; index++) {
				if (client.getVariant("prompt", contexts[index] as { userId: string }).name === "treatment") treatments++;
			}
			return treatments;
		},
		close: () => client.destroy(),
	};
}
