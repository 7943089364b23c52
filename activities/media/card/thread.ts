/** The thread that draws title cards: layout and rasterising take up to half a second, too long for the event loop. */
import { parentPort } from 'node:worker_threads';
import { Resvg } from '@resvg/resvg-js';
import type { Card } from '../../../domain/media/card.ts';
import { loadFonts } from './fonts.ts';
import { drawCard } from './layout.ts';

export interface CardOrder {
  readonly id: number;
  readonly card: Card;
}
export type CardAnswer =
  | { readonly id: number; readonly png: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly failure: string };

const port = parentPort;
if (!port) throw new Error('this file is a thread of title-card.ts');
const fonts = loadFonts();

const answer = async ({ id, card }: CardOrder): Promise<CardAnswer> => {
  try {
    const svg = await drawCard(card, fonts);
    const png = new Resvg(svg, { font: { loadSystemFonts: false } }).render().asPng();
    return { id, png: new Uint8Array(png) };
  } catch (error) {
    return { id, failure: error instanceof Error ? error.message : String(error) };
  }
};

port.on('message', (order: CardOrder) => {
  void answer(order).then((said) => port.postMessage(said, 'png' in said ? [said.png.buffer] : []));
});
