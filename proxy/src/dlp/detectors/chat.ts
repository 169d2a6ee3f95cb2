// Chat services: Slack, Discord, Telegram, Teams.
import {
  ALNUM,
  ALNUM_DASH,
  BASE64_STD,
  charset,
  DIGIT,
  HEX_LOWER,
  LOWER_DIGIT,
  UPPER_DIGIT,
  WORD_DASH,
} from '../charsets.ts';
import { maybe, run, text } from '../shape.ts';
import { type Detector, detector, isExample, isMixed, token, variety } from './detector.ts';
import { contextual, isVaried, UUID, vendor } from './vendor.ts';

const COOKIE = charset('A-Za-z0-9%+/_=-');

export const chat: readonly Detector[] = [
  detector({
    ...token({
      id: 'slack-token',
      description: 'Slack bot, user, app, legacy, refresh and configuration token, session cookie',
      source: 'Slack API, "Token types": https://api.slack.com/concepts/token-types',
      forms: [
        [text('xoxb-', 'xoxp-', 'xoxa-', 'xoxo-', 'xoxr-', 'xoxs-', 'xoxc-', 'xoxe-'), run(ALNUM_DASH, 24, 255)],
        [text('xoxe.xoxb-', 'xoxe.xoxp-'), run(ALNUM_DASH, 24, 255)],
        [text('xoxd-'), run(COOKIE, 40, 400)],
        [
          text('xapp-'),
          run(DIGIT, 1),
          text('-'),
          run(UPPER_DIGIT, 8, 16),
          text('-'),
          run(DIGIT, 8, 16),
          text('-'),
          run(HEX_LOWER, 32, 96),
        ],
      ],
      accept: (found) => !isExample(found) && /[0-9].*[0-9].*[0-9]/.test(found) && variety(found) > 12,
      falsePositives: () => [
        'xoxb-your-token-goes-in-this-place',
        `xoxb-${'1'.repeat(12)}-${'x'.repeat(24)}`,
        'tokens begin with xoxb- or xoxp-',
      ],
    }),
    truePositives: (random) => [
      ...['xoxb-', 'xoxp-', 'xoxa-', 'xoxo-', 'xoxr-', 'xoxs-', 'xoxc-'].map(
        (prefix) => `${prefix}${random.chars('0-9', 12)}-${random.chars('0-9', 13)}-${random.chars('A-Za-z0-9', 24)}`,
      ),
      `xoxe.xoxp-1-${random.chars('A-Za-z0-9', 163)}`,
      `xoxe-1-${random.chars('A-Za-z0-9', 146)}`,
      `xoxd-${random.chars('A-Za-z0-9', 60)}%2B${random.chars('A-Za-z0-9', 60)}%3D`,
      `xapp-1-A${random.chars('A-Z0-9', 10)}-${random.chars('0-9', 13)}-${random.chars('0-9a-f', 64)}`,
    ],
  }),
  token({
    id: 'slack-webhook',
    description: 'Slack incoming webhook and workflow trigger',
    source: 'Slack API, "Sending messages using incoming webhooks": https://api.slack.com/messaging/webhooks',
    forms: [
      [
        text('hooks.slack.com/services/'),
        run(UPPER_DIGIT, 8, 14),
        text('/'),
        run(UPPER_DIGIT, 8, 14),
        text('/'),
        run(ALNUM, 20, 32),
      ],
      [
        text('hooks.slack.com/workflows/', 'hooks.slack.com/triggers/'),
        run(ALNUM, 8, 14),
        text('/'),
        run(ALNUM, 8, 32),
        text('/'),
        run(ALNUM, 18, 40),
        maybe('/'),
      ],
    ],
    // The documentation's own one ends in 24 letters X and begins with T00000000.
    accept: (found) => !isExample(found) && !found.includes('T00000000/'),
    falsePositives: () => [
      `hooks.slack.com/services/T00000000/B00000000/${'X'.repeat(24)}`,
      'hooks.slack.com/services/...',
    ],
  }),
  token({
    id: 'discord-webhook',
    description: 'Discord webhook',
    source: 'Discord Developer Docs, "Webhook resource": https://discord.com/developers/docs/resources/webhook',
    forms: [
      [
        text('discord.com/api/webhooks/', 'discordapp.com/api/webhooks/'),
        run(DIGIT, 17, 20),
        text('/'),
        run(WORD_DASH, 60, 80),
      ],
    ],
  }),
  detector({
    id: 'discord-bot-token',
    description: 'Discord bot token in an authorization header or beside the word discord',
    source: 'Discord Developer Docs, "Reference: authentication": https://discord.com/developers/docs/reference',
    keywords: ['discord', 'Bot '],
    anyCase: true,
    match(view, at) {
      const last = Math.min(view.length, at + 96);
      for (let start = Math.max(at, view.reached(DISCORD)); start < last; start++) {
        const end = view.runEnd(WORD_DASH, start);
        if (end === start) continue;
        const stamp = view.bytes[end] === 0x2e ? view.runEnd(WORD_DASH, end + 1) : end;
        const mac = view.bytes[stamp] === 0x2e && stamp > end ? view.runEnd(WORD_DASH, stamp + 1) : stamp;
        const isToken =
          end - start >= 24 && end - start <= 28 && stamp - end === 7 && mac - stamp >= 28 && mac - stamp <= 45;
        if (isToken) return { start, end: mac };
        start = end;
      }
      view.setReached(DISCORD, last);
      return null;
    },
    accept: (found) => !isExample(found) && isMixed(found),
    truePositives: (random) => [
      `Bot M${random.chars('A-Za-z0-9', 25)}.${random.chars('A-Za-z0-9_-', 6)}.${random.chars('A-Za-z0-9_-', 38)}`,
      `DISCORD_TOKEN=N${random.chars('A-Za-z0-9', 25)}.${random.chars('A-Za-z0-9_-', 6)}.${random.chars('A-Za-z0-9_-', 38)}`,
    ],
  }),
  detector({
    id: 'telegram-token',
    description: 'Telegram bot token',
    source: 'Telegram Bot API, "Authorizing your bot": https://core.telegram.org/bots/api',
    keywords: [':AA'],
    match(view, at) {
      const before = view.runBefore(DIGIT, at, 11);
      const end = view.runEnd(WORD_DASH, at + 1);
      return before >= 8 && before <= 10 && end - at - 1 >= 34 && end - at - 1 <= 36
        ? { start: at - before, end }
        : null;
    },
    accept: (found) => !isExample(found) && variety(found) > 12,
    truePositives: (random) => [`${random.chars('1-9', 10)}:AA${random.chars('A-Za-z0-9_-', 33)}`],
    falsePositives: () => ['12:AAxx', `{"t":"10:AA${'A'.repeat(33)}"}`],
  }),
  token({
    id: 'teams-webhook',
    description: 'Microsoft Teams incoming webhook',
    source: 'Microsoft Learn, "Create an incoming webhook"',
    forms: [
      [
        text('.webhook.office.com/webhookb2/'),
        ...UUID,
        text('@'),
        ...UUID,
        text('/IncomingWebhook/'),
        run(HEX_LOWER, 32),
        text('/'),
        ...UUID,
      ],
    ],
    accept: isVaried,
  }),
  token({
    id: 'power-automate-webhook',
    description: 'Signature of a Power Automate or Logic Apps trigger',
    source: 'Microsoft Learn, "Secure access and data in Azure Logic Apps": SAS',
    forms: [[text('sv=1.0&sig='), run(WORD_DASH, 43)]],
    accept: isVaried,
  }),
  token({
    id: 'google-chat-webhook',
    description: 'Google Chat webhook',
    source: 'Google Chat Docs, "Build a webhook"',
    forms: [
      [
        text('chat.googleapis.com/v1/spaces/'),
        run(WORD_DASH, 8, 16),
        text('/messages?key='),
        run(WORD_DASH, 39),
        text('&token='),
        run(WORD_DASH, 30, 60),
      ],
    ],
    accept: isVaried,
  }),
  token({
    id: 'zapier-webhook',
    description: 'Zapier and Make webhook',
    source: 'Zapier Help, "Trigger Zaps from webhooks"',
    forms: [
      [text('hooks.zapier.com/hooks/catch/'), run(DIGIT, 5, 10), text('/'), run(ALNUM, 6, 12)],
      [
        text('hook.eu1.make.com/', 'hook.eu2.make.com/', 'hook.us1.make.com/', 'hook.us2.make.com/'),
        run(ALNUM, 28, 36),
      ],
    ],
    accept: (found) => !isExample(found),
  }),
  vendor({
    id: 'matrix-token',
    description: 'Matrix access token (Synapse)',
    source: 'Matrix.org, "Synapse: access tokens"',
    forms: [[text('syt_'), run(BASE64_STD, 2, 80), text('_'), run(ALNUM, 20), text('_'), run(ALNUM, 6)]],
  }),
  contextual({
    id: 'mattermost-token',
    description: 'Mattermost personal access token',
    source: 'Mattermost Docs, "Personal access tokens"',
    words: ['mattermost'],
    values: [[run(LOWER_DIGIT, 26)]],
    examples: ['MATTERMOST_TOKEN=$'],
  }),
  contextual({
    id: 'twitch-token',
    description: 'Twitch client secret and access token',
    source: 'Twitch Developers, "Authentication"',
    words: ['twitch'],
    values: [[run(LOWER_DIGIT, 30)]],
    examples: ['TWITCH_CLIENT_SECRET=$'],
  }),
  contextual({
    id: 'zoom-secret',
    description: 'Zoom client secret',
    source: 'Zoom Developer Docs, "OAuth"',
    words: ['zoom_'],
    values: [[run(ALNUM, 32)]],
    examples: ['ZOOM_CLIENT_SECRET=$'],
  }),
  contextual({
    id: 'line-token',
    description: 'LINE channel secret',
    source: 'LINE Developers, "Channel access token"',
    words: ['line_channel', 'channel_secret'],
    values: [[run(HEX_LOWER, 32)]],
    examples: ['LINE_CHANNEL_SECRET=$'],
  }),
];

const DISCORD = {};
