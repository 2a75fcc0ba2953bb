/**
 * Records in a request, counted by walking lengths alone: another way than the decoder's.
 * Only for bodies that are well-formed, as far as the records lie in them.
 */
export function countProtobufRecords(body: Uint8Array): number {
	let count = 0;
	eachMessage(body, 1, (resource) => {
		eachMessage(resource, 2, (scope) => {
			eachMessage(scope, 2, () => {
				count += 1;
			});
		});
	});
	return count;
}

export function countJsonRecords(body: Uint8Array): number {
	const list = (value: unknown, name: string): unknown[] => {
		const found =
			value !== null && Object.hasOwn(value as object, name) ? (value as Record<string, unknown>)[name] : [];
		return Array.isArray(found) ? found : [];
	};
	const request: unknown = JSON.parse(new TextDecoder().decode(body));
	const count = (resources: string, scopes: string, records: string) =>
		list(request, resources)
			.flatMap((resource) => list(resource, scopes))
			.reduce<number>((sum, scope) => sum + list(scope, records).length, 0);
	return count("resourceSpans", "scopeSpans", "spans") + count("resourceLogs", "scopeLogs", "logRecords");
}

function eachMessage(bytes: Uint8Array, wanted: number, visit: (message: Uint8Array) => void): void {
	let at = 0;
	const varint = () => {
		let value = 0;
		for (let shift = 0; ; shift += 7) {
			const byte = bytes[at++];
			if (byte === undefined) throw new RangeError("beyond the message");
			if (shift < 32) value |= (byte & 0x7f) << shift;
			if (byte < 0x80) return value >>> 0;
		}
	};
	const skip = (wireType: number): void => {
		if (wireType === 0) varint();
		else if (wireType === 1) at += 8;
		else if (wireType === 2) {
			const length = varint();
			at += length;
		} else if (wireType === 5) at += 4;
		else if (wireType === 3) {
			for (let tag = varint(); (tag & 7) !== 4; tag = varint()) skip(tag & 7);
		}
	};
	while (at < bytes.length) {
		const tag = varint();
		if (tag === ((wanted << 3) | 2)) {
			const length = varint();
			visit(bytes.subarray(at, at + length));
			at += length;
		} else {
			skip(tag & 7);
		}
	}
}
