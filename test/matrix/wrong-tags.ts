import { LEAF_OPERATIONS } from "@armspan/schema/semconv";
import type { SdkProgram } from "./sdk-program.ts";

interface Span {
	readonly name: string;
	readonly attributes: Readonly<Record<string, unknown>>;
}

interface Conversation {
	readonly sdk: string;
	readonly user: string;
	readonly id: string;
	readonly version: string;
	readonly variant: string;
}

const LEAVES: ReadonlySet<unknown> = new Set(LEAF_OPERATIONS);

/**
 * What is wrong with the tags of these spans, one line each; nothing when every span of every user has that user's tags
 * and each call counts exactly once.
 * @param stdout what the interleaved program printed
 */
export function wrongTags(
	stdout: string,
	spans: readonly Span[],
	sdks: readonly SdkProgram[],
	usersPerSdk: number,
): string[] {
	const conversations = stdout
		.split("\n")
		.filter((line) => line.startsWith("{"))
		.map((line) => JSON.parse(line) as Conversation);
	const byUser = new Map(conversations.map((conversation) => [conversation.user, conversation]));
	const byId = new Map(conversations.map((conversation) => [conversation.id, conversation]));
	const wrong: string[] = [];
	for (const { name, attributes } of spans) {
		const user = String(attributes["armspan.unit.id"]);
		const tagged = byUser.get(user);
		const say = (what: string) => wrong.push(`${name} of ${user}: ${what}`);
		if (tagged === undefined) {
			say("no such user");
			continue;
		}
		if (attributes["gen_ai.prompt.version"] !== tagged.version) say(`version ${attributes["gen_ai.prompt.version"]}`);
		const variant = String(attributes["feature_flag.result.variant"]).split(".").at(-1);
		if (variant !== tagged.variant) say(`variant ${variant}`);
		const responseId = attributes["gen_ai.response.id"];
		if (responseId !== undefined && byId.get(String(responseId))?.user !== user) {
			say(`the response of ${byId.get(String(responseId))?.user}`);
		}
		const asked =
			attributes["gen_ai.agent.name"] ?? /I am ([a-z-]+-u\d+)\./.exec(String(attributes["input.value"]))?.[1];
		if (asked !== undefined && asked !== user) say(`asked by ${asked}`);
	}
	for (const { name, operations } of sdks) {
		for (let index = 0; index < usersPerSdk; index++) {
			const user = `${name}-u${index}`;
			if (!byUser.has(user)) wrong.push(`${user}: no answer`);
			const own = spans.filter(({ attributes }) => attributes["armspan.unit.id"] === user);
			const made = own.flatMap(({ attributes }) => attributes["gen_ai.operation.name"] ?? []).sort();
			if (made.join() !== operations.join()) wrong.push(`${user}: spans ${made.join() || "none"}`);
			const counted = own.filter(isCounted).length;
			if (counted !== 1) wrong.push(`${user}: counted ${counted} times`);
		}
	}
	return wrong;
}

/** As the evidence store counts calls. */
function isCounted({ attributes }: Span): boolean {
	if (!attributes["gen_ai.prompt.name"]) return false;
	return LEAVES.has(attributes["gen_ai.operation.name"]) || attributes["openinference.span.kind"] === "LLM";
}
