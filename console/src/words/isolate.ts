/** Keeps what others wrote from reordering the text around it (Unicode FSI, PDI). */

const LRI = "\u2066";
const FSI = "\u2068";
const PDI = "\u2069";

/** Closes the isolates that a text leaves open, and takes out the ends of those that it never began. */
export function balanced(text: string): string {
  let open = 0;
  const kept = text.replace(/[\u2066-\u2069]/g, (sign) => {
    if (sign === PDI && open === 0) return "";
    open += sign === PDI ? -1 : 1;
    return sign;
  });
  return kept + PDI.repeat(open);
}

/** A text whose direction is its own, whatever it holds, and ends where it ends. */
export function isolate(text: string): string {
  return `${FSI}${balanced(text)}${PDI}`;
}

/** A text of our own that is read from left to right in every language, such as a number with its unit. */
export function leftToRight(text: string): string {
  return `${LRI}${text}${PDI}`;
}
