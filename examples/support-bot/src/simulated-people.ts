import { createHash } from "node:crypto";

/** One question by one person. */
export interface PlannedCall {
	readonly user: string;
	readonly session: string;
	/** Counts the user's questions, from 1. */
	readonly turn: number;
	readonly customerName: string;
	readonly question: string;
	readonly stream: boolean;
}

const NAMES = ["Ada", "Bruno", "Chidi", "Dana", "Emre", "Farah", "Grace", "Hiro", "Ines", "Jonas", "Kofi", "Lena"];
const QUESTIONS = [
	"Where is my order?",
	"How do I send something back?",
	"When will I get my refund?",
	"Can I change the delivery address?",
	"The parcel arrived damaged. What now?",
	"Do you deliver on Saturdays?",
];
const TURNS_PER_SESSION = 4;
const SHARE_OF_STREAMS = 0.25;
const SHARE_OF_RATERS = 0.35;

/** Uniform number in [0, 1) that depends on its parts alone. */
function draw(...parts: readonly (string | number)[]): number {
	return createHash("sha256").update(parts.join("\0")).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** Questions in the order in which they are asked: the same for the same seed. Some users ask more than others. */
export function* planCalls(seed: number, users: number): Generator<PlannedCall, never> {
	const turns = new Map<number, number>();
	for (let call = 0; ; call++) {
		const index = Math.floor(users * draw(seed, "user", call) ** 1.3);
		const turn = (turns.get(index) ?? 0) + 1;
		turns.set(index, turn);
		const user = `user-${index}`;
		yield {
			user,
			session: `${user}-${Math.ceil(turn / TURNS_PER_SESSION)}`,
			turn,
			customerName: NAMES[Math.floor(draw(seed, "name", user) * NAMES.length)]!,
			question: QUESTIONS[Math.floor(draw(seed, "question", user, turn) * QUESTIONS.length)]!,
			stream: draw(seed, "stream", user, turn) < SHARE_OF_STREAMS,
		};
	}
}

/** What a person does with an answer, given what they think of it (0 to 1). */
export function reactTo(
	seed: number,
	{ user, turn }: PlannedCall,
	quality: number,
): { thumbs: 0 | 1 | undefined; buys: boolean } {
	const rates = draw(seed, "rates", user, turn) < SHARE_OF_RATERS;
	return {
		thumbs: !rates ? undefined : draw(seed, "thumbs", user, turn) < quality ? 1 : 0,
		buys: draw(seed, "buys", user, turn) < 0.12 * quality,
	};
}
