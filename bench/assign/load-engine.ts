/** A package of this folder's own `package.json`; not typed, so that the project compiles where it is not installed. */
export async function loadEngine<T>(name: string): Promise<T> {
	try {
		return (await import(name)) as T;
	} catch (error) {
		throw new Error(`${name} cannot be loaded; run: npm ci --prefix bench/assign`, { cause: error });
	}
}
