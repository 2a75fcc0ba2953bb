import type { OtlpContentType } from "../../src/rows.ts";
import { type LogicalRequest, logicalRequest, type RequestSize, type Signal } from "./logical-request.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import { Random } from "./random.ts";
import { writeJson } from "./write-json.ts";
import { writeProtobuf } from "./write-protobuf.ts";

export interface FuzzBody {
	signal: Signal;
	contentType: OtlpContentType;
	body: Buffer;
	/** The same request in the other encoding, when nothing was made wrong. */
	twin: Buffer | undefined;
	large: boolean;
}

/** So many bodies are made of one request: as it is, with fields made wrong, and with bytes changed. */
const FAMILY = 16;
/** One family in so many is large. */
const LARGE_EVERY = 5_000;
const LARGE: readonly RequestSize[] = [
	{ records: 100, attributes: 25 },
	{ records: 5, attributes: 1023 },
	{ records: 5, attributes: 1030 },
	{ records: 1500, attributes: 2 },
	{ records: 400, attributes: 12 },
];
const SMALL: RequestSize = { records: 1, attributes: 5 };
const CHAOS = [0.003, 0.01, 0.05];

interface Family extends Omit<FuzzBody, "body"> {
	seed: number;
	number: number;
	request: LogicalRequest;
	/** The first is right. */
	written: Buffer[];
}

/** What was made last, since the next body is mostly of the same family. */
let last: Family | undefined;

/** The body of this index; the same for ever. */
export function fuzzBody(seed: number, index: number): FuzzBody {
	const number = Math.floor(index / FAMILY);
	if (last === undefined || last.number !== number || last.seed !== seed) {
		last = family(seed, number);
	}
	const { signal, contentType, twin, large, written, request } = last;
	const member = index % FAMILY;
	const [right] = written;
	if (member < written.length) {
		const body = written[member] as Buffer;
		return { signal, contentType, body, twin: member === 0 ? twin : undefined, large };
	}
	const random = new Random(seed ^ 0x5f_75_7a_7a, index);
	if (contentType === "application/json" && member % 2 === 0) {
		// changed bytes are mostly no JSON any more, which says little
		const body = writeJson(request, random, random.pick(CHAOS) / (large ? 100 : 1));
		return { signal, contentType, body, twin: undefined, large };
	}
	const body = mutateBytes(random.pick(written), right as Buffer, random);
	return { signal, contentType, body, twin: undefined, large };
}

function family(seed: number, number: number): Family {
	const random = new Random(seed, number);
	const signal: Signal = random.chance(0.65) ? "traces" : "logs";
	const isJson = random.chance(0.4);
	const large = number % LARGE_EVERY === LARGE_EVERY - 1;
	const request = logicalRequest(random, signal, large ? random.pick(LARGE) : SMALL);
	const [write, writeTwin] = isJson ? [writeJson, writeProtobuf] : [writeProtobuf, writeJson];
	return {
		...{ seed, number, signal, large, request, contentType: isJson ? "application/json" : "application/x-protobuf" },
		twin: writeTwin(request, random, 0),
		written: [0, ...CHAOS].map((chaos) => write(request, random, large ? chaos / 100 : chaos)),
	};
}
