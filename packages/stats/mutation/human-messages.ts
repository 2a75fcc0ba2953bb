import type { Ignorer } from "@stryker-mutator/api/ignore";
import { declareValuePlugin, PluginKind } from "@stryker-mutator/api/plugin";

/** Position of the argument that is a sentence for people, by the function that takes it. */
const MESSAGE_ARGUMENT: Readonly<Record<string, number>> = {
	notEstimable: 1,
	requireArgument: 4,
	requireSchedule: 3,
	StatsError: 1,
	Error: 0,
	RangeError: 0,
};

interface SyntaxNode {
	readonly type: string;
	readonly name?: string;
	readonly callee?: SyntaxNode;
	readonly key?: SyntaxNode;
	readonly id?: SyntaxNode;
}

declare module "@stryker-mutator/api/ignore" {
	/** What is used of Babel's. */
	interface NodePath {
		readonly parent: SyntaxNode | null;
		readonly listKey: string | undefined;
		readonly key: string | number | null;
	}
}

/** Leaves sentences for people unmutated. Every other string is a value that programs compare. */
const humanMessages: Ignorer = {
	shouldIgnore({ parent, listKey, key }) {
		const isSentence =
			(listKey === "arguments" && key === MESSAGE_ARGUMENT[parent?.callee?.name ?? ""]) ||
			(parent?.type === "ObjectProperty" && key === "value" && parent.key?.name === "message") ||
			(parent?.type === "VariableDeclarator" && key === "init" && parent.id?.name === "message");
		return isSentence ? "A sentence for people." : undefined;
	},
};

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, "human-messages", humanMessages)];
