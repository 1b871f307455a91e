/** What is used of jstat, which comes without types. */
declare module 'jstat' {
  const jStat: {
    readonly beta: { inv(p: number, alpha: number, beta: number): number }
    corrcoeff(a: readonly number[], b: readonly number[]): number
  }
  // biome-ignore lint/style/noDefaultExport: the library has one.
  export default jStat
}
