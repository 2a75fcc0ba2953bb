import type { Engine } from "../engine.ts";
import { loadEngine } from "../load-engine.ts";

interface User {
	readonly kind: "user";
	readonly key: string;
}

interface Client {
	waitForInitialization(options: { timeout: number }): Promise<unknown>;
	variation(key: string, user: User, fallback: string): Promise<string>;
	close(): void;
}

interface TestData {
	usePreconfiguredFlag(flag: object): Promise<unknown>;
	getFactory(): object;
}

const FLAG = {
	key: "prompt",
	version: 1,
	on: true,
	salt: "salt",
	variations: ["control", "treatment"],
	offVariation: 0,
	fallthrough: {
		rollout: {
			variations: [
				{ variation: 0, weight: 50_000 },
				{ variation: 1, weight: 50_000 },
			],
		},
	},
	targets: [],
	rules: [],
	prerequisites: [],
};

/** From `TestData`, without events. Its API is asynchronous only, so each call is awaited. */
export async function launchdarkly(): Promise<Engine> {
	const { init } = await loadEngine<{ init(key: string, options: object): Client }>("@launchdarkly/node-server-sdk");
	const { TestData } = await loadEngine<{ TestData: new () => TestData }>("@launchdarkly/node-server-sdk/integrations");
	const data = new TestData();
	await data.usePreconfiguredFlag(FLAG);
	const quiet = () => undefined;
	const client = init("sdk-bench", {
		updateProcessor: data.getFactory(),
		sendEvents: false,
		diagnosticOptOut: true,
		logger: { error: console.error, warn: quiet, info: quiet, debug: quiet },
	});
	await client.waitForInitialization({ timeout: 10 });
	return {
		name: "@launchdarkly/node-server-sdk",
		context: (key) => ({ kind: "user", key }),
		async run(contexts) {
			let treatments = 0;
			for (let index = 0; index < contexts.length; index++) {
				if ((await client.variation("prompt", contexts[index] as User, "none")) === "treatment") treatments++;
			}
			return treatments;
		},
		close: () => client.close(),
	};
}
