/** One instruction of a Dockerfile, continued lines joined, comments left out. */
interface Instruction {
	readonly name: string;
	readonly value: string;
}

/** A stage: what stands from one FROM to the next. */
export interface Stage {
	/** As `AS` names it; empty for the last. */
	readonly name: string;
	readonly image: string;
	readonly instructions: readonly Instruction[];
}

/** Reads the part of the syntax that our Dockerfile uses; anything else is an error. */
export function parseDockerfile(text: string): Stage[] {
	const lines = text
		.split("\n")
		.filter((line) => !line.startsWith("#"))
		.join("\n")
		.replaceAll(/\\\n\s*/g, "")
		.split("\n")
		.filter((line) => line.trim() !== "");
	const stages: { name: string; image: string; instructions: Instruction[] }[] = [];
	for (const line of lines) {
		const [, name = "", value = ""] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
		if (name === "") throw new Error(`not an instruction: ${line}`);
		if (name === "FROM") {
			const [, image = "", stage = ""] = /^(\S+)(?: AS (\S+))?$/.exec(value) ?? [];
			stages.push({ name: stage, image, instructions: [] });
		} else {
			const stage = stages.at(-1);
			if (stage === undefined) throw new Error(`before any FROM: ${line}`);
			stage.instructions.push({ name, value });
		}
	}
	return stages;
}

/** The values of all instructions of a name. */
export function valuesOf(stage: Stage, name: string): string[] {
	return stage.instructions.filter((instruction) => instruction.name === name).map(({ value }) => value);
}
