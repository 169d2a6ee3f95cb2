// Numbers of persons, each beside its name and with its check: on only where a spec asks for them.
import type { View } from '../view.ts';
import { mod97, passesLuhn, withLuhn } from './checksums.ts';
import { type Detector, detector, variety } from './detector.ts';
import type { Random } from './random.ts';

/** How far behind its name a number is looked for, in bytes. */
const WITHIN_BYTES = 64;

interface Numbered {
  readonly id: string;
  readonly description: string;
  readonly source: string;
  readonly words: readonly string[];
  /** The number as it is written; what stands around it must not go on. */
  readonly form: RegExp;
  isRight(compact: string): boolean;
  fresh(random: Random): string;
}

function numbered({ words, form, isRight, fresh, ...given }: Numbered): Detector {
  const find = new RegExp(`(?<![A-Za-z0-9])(?:${form.source})(?![A-Za-z0-9])`, form.flags);
  const compact = (found: string): string => found.replace(/[ ./-]/g, '').toUpperCase();
  return detector({
    ...given,
    kind: 'personal',
    byDefault: false,
    keywords: words,
    anyCase: true,
    match(view: View, at: number, word: string) {
      const from = at + word.length;
      const found = find.exec(view.text(from, Math.min(view.length, from + WITHIN_BYTES)));
      return found === null ? null : { start: from + found.index, end: from + found.index + found[0].length };
    },
    accept: (found) => variety(found.replace(/\D/g, '')) > 2 && isRight(compact(found)),
    truePositives(random) {
      for (;;) {
        const number = fresh(random);
        if (isRight(compact(number)) && variety(number.replace(/\D/g, '')) > 2)
          return [`${words[0]}: ${number}`, `{"${words[0]}":"${number}"}`];
      }
    },
    falsePositives(random) {
      const number = compact(fresh(random));
      const wrong = number.replace(/.$/, next);
      return [`reference ${number}`, ...(isRight(wrong) ? [] : [`${words[0]}: ${wrong}`])];
    },
  });
}

/** The next digit or letter, round in a circle. */
function next(char: string): string {
  if (char === '9') return '0';
  return char === 'Z' ? 'A' : String.fromCharCode(char.charCodeAt(0) + 1);
}

const weighted = (digits: string, weights: readonly number[]): number =>
  weights.reduce((sum, weight, index) => sum + weight * (digits.charCodeAt(index) - 0x30), 0);

const DNI_LETTERS = 'TRWAGMYFPDXBNJZSQVHLCKE';
const FISCAL_ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
const PESEL = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1];
const BSN = [9, 8, 7, 6, 5, 4, 3, 2, -1];

/** ISO 7064 mod 11, 10. */
function mod11and10(digits: string): boolean {
  let product = 10;
  for (const digit of digits.slice(0, -1)) {
    const sum = (Number(digit) + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return (11 - product) % 10 === Number(digits.at(-1));
}

const fiscalCheck = (code: string): string => {
  let sum = 0;
  for (let i = 0; i < 15; i++) {
    const char = code[i]!;
    const value = /\d/.test(char) ? Number(char) : char.charCodeAt(0) - 0x41;
    sum += i % 2 === 0 ? FISCAL_ODD[value]! : value;
  }
  return String.fromCharCode(0x41 + (sum % 26));
};

export const personal: readonly Detector[] = [
  numbered({
    id: 'us-ssn',
    description: 'Social Security number of the United States, beside its name',
    source: 'Social Security Administration, "Social Security number randomization"',
    words: ['social security', 'social_security', 'ssn:', 'ssn"', 'ssn=', 'ssn ', "ssn'", 'ssn_'],
    form: /\d{3}[- ]\d{2}[- ]\d{4}|\d{9}/,
    isRight: (number) =>
      !/^(?:000|666|9)|^...00|0000$/.test(number) && number !== '123456789' && number !== '078051120',
    fresh: (random) => `${random.number(100, 665)}-${random.number(10, 99)}-${random.number(1000, 9999)}`,
  }),
  numbered({
    id: 'uk-nino',
    description: 'National Insurance number of the United Kingdom, beside its name',
    source: 'HMRC, "National Insurance Manual": NIM39110',
    words: ['national insurance', 'nino', 'ni number'],
    form: /[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]/i,
    isRight: (number) =>
      /^(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]/.test(number) && !number.startsWith('QQ'),
    fresh: (random) => `${random.chars('A-CEGHJ', 2)}${random.chars('0-9', 6)}${random.chars('A-D', 1)}`,
  }),
  numbered({
    id: 'de-tax-id',
    description: 'Tax identification number of Germany, beside its name',
    source: 'Bundeszentralamt für Steuern, "Die steuerliche Identifikationsnummer"',
    words: ['steuer-id', 'steuer_id', 'steueridentifikationsnummer', 'steuerliche identifikationsnummer', 'idnr'],
    form: /\d{2} ?\d{3} ?\d{3} ?\d{3}/,
    isRight: (number) => number.length === 11 && !number.startsWith('0') && mod11and10(number),
    fresh: (random) => random.chars('1-9', 1) + random.chars('0-9', 10),
  }),
  numbered({
    id: 'fr-nir',
    description: 'Social security number of France, beside its name',
    source: 'INSEE, "Numéro d\'inscription au répertoire": key of 97',
    words: ['numero de securite sociale', 'sécurité sociale', 'securite sociale', 'numero_secu', 'nir_number', 'insee'],
    form: /[12] ?\d{2} ?\d{2} ?\d[0-9AB] ?\d{3} ?\d{3} ?\d{2}/,
    isRight: (number) =>
      97 - (mod97(number.slice(0, 13).replace('A', '0').replace('B', '0')) % 97) === Number(number.slice(13)),
    fresh: (random) => {
      const number = `${random.number(1, 2)}${random.chars('0-9', 2)}0${random.number(1, 9)}${random.number(10, 95)}${random.chars('0-9', 6)}`;
      return number + String(97 - mod97(number)).padStart(2, '0');
    },
  }),
  numbered({
    id: 'es-dni',
    description: 'Identity number of Spain (DNI, NIE), beside its name',
    source: 'Ministerio del Interior, "Cálculo del dígito de control del NIF/NIE"',
    words: ['dni:', 'dni"', 'dni=', 'dni ', 'nie:', 'nie"', 'documento nacional'],
    form: /[XYZ]?-?\d{7,8}-?[A-Z]/i,
    isRight: (number) =>
      DNI_LETTERS[Number(number.slice(0, -1).replace('X', '0').replace('Y', '1').replace('Z', '2')) % 23] ===
      number.at(-1),
    fresh: (random) => {
      const number = random.chars('0-9', 8);
      return number + DNI_LETTERS[Number(number) % 23]!;
    },
  }),
  numbered({
    id: 'it-fiscal-code',
    description: 'Fiscal code of Italy, beside its name',
    source: 'Agenzia delle Entrate, "Codice fiscale": check character',
    words: ['codice fiscale', 'codice_fiscale', 'codicefiscale', 'cod. fisc'],
    form: /[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]/i,
    isRight: (code) => fiscalCheck(code) === code[15],
    fresh: (random) => {
      const code = `${random.chars('A-Z', 6)}${random.number(10, 99)}${random.chars('A-E', 1)}${random.number(10, 28)}${random.chars('A-L', 1)}${random.number(100, 999)}`;
      return code + fiscalCheck(code);
    },
  }),
  numbered({
    id: 'nl-bsn',
    description: 'Citizen service number of the Netherlands, beside its name',
    source: 'Rijksoverheid, "Burgerservicenummer": eleven test',
    words: ['bsn:', 'bsn"', 'bsn=', 'bsn ', 'burgerservicenummer'],
    form: /\d{9}/,
    isRight: (number) => weighted(number, BSN) % 11 === 0 && !number.startsWith('00'),
    fresh: (random) => random.chars('1-9', 1) + random.chars('0-9', 8),
  }),
  numbered({
    id: 'pl-pesel',
    description: 'PESEL number of Poland, beside its name',
    source: 'Ministerstwo Cyfryzacji, "Czym jest numer PESEL"',
    words: ['pesel'],
    form: /\d{11}/,
    isRight: (number) => weighted(number, PESEL) % 10 === 0,
    fresh: (random) =>
      `${random.number(10, 99)}0${random.number(1, 9)}${random.number(10, 28)}${random.chars('0-9', 5)}`,
  }),
  numbered({
    id: 'se-personnummer',
    description: 'Personal identity number of Sweden, beside its name',
    source: 'Skatteverket, "Personnummer": check digit',
    words: ['personnummer'],
    form: /(?:19|20)?\d{6}[-+]?\d{4}/,
    isRight: (number) => passesLuhn(number.slice(-10)),
    fresh: (random) =>
      withLuhn(`${random.number(10, 99)}0${random.number(1, 9)}${random.number(10, 28)}${random.chars('0-9', 3)}`),
  }),
];
