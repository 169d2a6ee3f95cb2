// How common three bytes are in what agents send: decides which part of a needle stands for it in the sweep.

/** The commonest pieces of prose, source code and JSON, the commonest first, three characters each. Counted over packages and their texts. */
const COMMON =
  '   n  ":   "ion th re: " = tioingtheodecontyponsype costrhe entreacomverestamest nodintnstersret' +
  '---tur inortthindeecttesithnam st seporateprostatriforhisif   ror ed indon resandterurneadetuend' +
  'nte.cottphttsiocti ifine norinlicer ://ptisergit  i an  crn  to istpstrulinis  tre":ps:s:/selenc' +
  'modritallensng codelfpes deicevalpares lesoptage foessof s":"nonsersipen a ruedeferr.0.nd is.key' +
  'rt : t ofengromuleatiripse .jscen== "libufom/es/to scrf ("dee, odu prcriiptistthunalitehubdulfun' +
  'cheiletor pa===rroferext  ttedequrorin impackdentreuncusefrofildinginargare  sthopatmitescityope' +
  'dergetexp li"inlf.notblelenshaurl fiies "n ==ontb.cly e sreqassluealutarre e tchaub.preth e: dat' +
  'ffecal"ve cae aathnctunddex wi buat mpoour// s apermat vaherue,deprceoneer./gi"ht"./le que whe =' +
  '//gs,  bent  enueses"uffn tmen ma ty\', outert fr.0"aseom ytebyts twitpacainrepckejec or neacee i' +
  'fin so0.0 &&tatomesetonlablt i nutegncoartt tnlyan desndi&& metignmpl exsounesegr"tytenit alieam' +
  'urct, lsets ivesin as"sh512ockn":cesult naa51worha5recact, sas devgrirun12-insngiepeollhatpos "s' +
  'ords = "tdononate ormobjet on"eralib on opot aut2.0ostll  "d: sarshancatbjeullcolalsnce te "lt: ' +
  's: newtchtex  d.tslasnci itplerse cht =numeco  / byownl":ngtplanerde ild"ur usen eretins",iregth' +
  ') =ciemapara =>"mimese orefatauth0",=> kenste aradodisclans  - esouree cex.berme  -- als ogenadd' +
  'f t(sesigsonntit amberowtantha me: \'ach "inulidenon, a le unpe efintalis"en, \'ce .1.evecreuilbui' +
  'traletlea fun abinsecomporidoc ruxpo fa "m.re  fpec)))ised, orsse"st/npmprioveratatcal warranes.';

const FOLD = 0x202020;
const RANKS = new Map<number, number>();
for (let i = 0; i + 3 <= COMMON.length; i += 3) {
  const piece = COMMON.charCodeAt(i) | (COMMON.charCodeAt(i + 1) << 8) | (COMMON.charCodeAt(i + 2) << 16);
  if (!RANKS.has(piece | FOLD)) RANKS.set(piece | FOLD, i / 3);
}

/** How unusual a byte is in prose and source code, roughly; only ratios matter. */
const RARITY = new Uint8Array(256).fill(30);
for (let digit = 0x30; digit <= 0x39; digit++) RARITY[digit] = 24;
[...' etaoinsrhldcumfpgwybvkxjqz'].forEach((char, rank) => {
  RARITY[char.charCodeAt(0)] = 6 + rank;
  RARITY[char.toUpperCase().charCodeAt(0)] = 6 + rank;
});

/** Worse than any piece of text. */
const FILLER = 20;

/** How often three bytes come up, in parts that only mean something beside each other. */
function commonness(first: number, second: number, third: number): number {
  const rank = RANKS.get(first | (second << 8) | (third << 16) | FOLD);
  // What fills a field, and what whoever wants us to work hard sends.
  if (first === second && second === third) return FILLER;
  const byBytes = 1 / (RARITY[first]! * RARITY[second]! * RARITY[third]!);
  return rank === undefined ? byBytes : 1 + 100 / (rank + 10);
}

/** Of a longer needle the rarest of its first windows is rare enough. In bytes. */
const LOOKED_AT = 256;

/** Where in `bytes` the four bytes begin that come up least often in text. */
export function rarestWindow(bytes: Uint8Array): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  const end = Math.min(bytes.length, LOOKED_AT);
  for (let at = 0; at + 4 <= end; at++) {
    const [a, b, c, d] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!];
    const score = commonness(a, b, c) + commonness(b, c, d);
    if (score < least) {
      best = at;
      least = score;
    }
  }
  return best;
}
