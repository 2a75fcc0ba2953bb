/**
 * What `task` resolves to, unless that takes too long; the task itself goes on.
 * @throws {Error} after `ms` milliseconds; whatever `task` rejects with before
 */
export async function within<Result>(ms: number, task: Promise<Result>): Promise<Result> {
	const late = Promise.withResolvers<never>();
	const timer = setTimeout(() => late.reject(new Error(`no answer within ${ms} ms`)), ms);
	try {
		return await Promise.race([task, late.promise]);
	} finally {
		clearTimeout(timer);
	}
}
