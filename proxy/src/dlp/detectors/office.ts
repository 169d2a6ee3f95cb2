// Office, design, content and social services.
import { ALNUM, BASE64_PADDED, DIGIT, HEX_LOWER, LOWER_DIGIT, UPPER_DIGIT, WORD_DASH } from '../charsets.ts';
import { run, text } from '../shape.ts';
import { type Detector, variety } from './detector.ts';
import { contextual, isVaried, UUID, vendor } from './vendor.ts';

export const office: readonly Detector[] = [
  vendor({
    id: 'linear-key',
    description: 'Linear API key, OAuth token and webhook secret',
    source: 'Linear Developers, "Authentication"',
    forms: [
      [text('lin_api_'), run(ALNUM, 40)],
      [text('lin_oauth_'), run(HEX_LOWER, 64)],
      [text('lin_wh_'), run(ALNUM, 20, 40)],
    ],
    falsePositives: () => ['lin_api_key'],
  }),
  vendor({
    id: 'notion-token',
    description: 'Notion integration token',
    source: 'Notion Developers, "Authorization"',
    forms: [
      [text('ntn_'), run(ALNUM, 43, 50)],
      [text('secret_'), run(ALNUM, 43)],
    ],
    accept: (found) => isVaried(found) && /[A-Z]/.test(found),
    falsePositives: () => ['secret_manager_client_for_tests_and_more_things'],
  }),
  vendor({
    id: 'figma-token',
    description: 'Figma personal access, OAuth and user token',
    source: 'Figma Developers, "Personal access tokens"',
    forms: [[text('figd_', 'figu_', 'figoh_', 'figor_', 'figo_'), run(WORD_DASH, 38, 48)]],
  }),
  vendor({
    id: 'postman-key',
    description: 'Postman API key and collection token',
    source: 'Postman Docs, "API authentication"',
    forms: [
      [text('PMAK-'), run(HEX_LOWER, 24), text('-'), run(HEX_LOWER, 34)],
      [text('PMAT-'), run(UPPER_DIGIT, 26)],
    ],
  }),
  vendor({
    id: 'contentful-token',
    description: 'Contentful personal access token',
    source: 'Contentful Docs, "Personal access tokens"',
    forms: [[text('CFPAT-'), run(WORD_DASH, 40, 48)]],
  }),
  vendor({
    id: 'hubspot-token',
    description: 'HubSpot private app token',
    source: 'HubSpot Docs, "Private apps"',
    forms: [[text('pat-na1-', 'pat-na2-', 'pat-na3-', 'pat-eu1-', 'pat-ap1-'), ...UUID]],
  }),
  vendor({
    id: 'typeform-token',
    description: 'Typeform personal access token',
    source: 'Typeform Developers, "Personal access token"',
    forms: [[text('tfp_'), run(WORD_DASH, 40, 70)]],
  }),
  vendor({
    id: 'dropbox-token',
    description: 'Dropbox short-lived access token',
    source: 'Dropbox Developers, "OAuth guide"',
    forms: [[text('sl.u.', 'sl.A', 'sl.B', 'sl.C'), run(WORD_DASH, 120, 1400)]],
  }),
  vendor({
    id: 'clickup-token',
    description: 'ClickUp personal token',
    source: 'ClickUp Docs, "Authentication"',
    forms: [[text('pk_'), run(DIGIT, 6, 10), text('_'), run(UPPER_DIGIT, 32)]],
  }),
  vendor({
    id: 'mapbox-token',
    description: 'Mapbox secret token',
    source: 'Mapbox Docs, "Access tokens"',
    forms: [[text('sk.eyJ'), run(WORD_DASH, 60, 160), text('.'), run(WORD_DASH, 20, 24)]],
  }),
  vendor({
    id: 'intercom-token',
    description: 'Intercom access token',
    source: 'Intercom Developers, "Authentication"',
    forms: [[text('dG9rO'), run(BASE64_PADDED, 50, 70)]],
  }),
  contextual({
    id: 'trello-key',
    description: 'Trello API token',
    source: 'Atlassian Developer, "Trello: authorization"',
    words: ['trello'],
    values: [[text('ATTA'), run(ALNUM, 72)], [run(HEX_LOWER, 64)]],
    examples: ['TRELLO_TOKEN=$'],
  }),
  vendor({
    id: 'facebook-token',
    description: 'Meta (Facebook, Instagram) access token',
    source: 'Meta for Developers, "Access tokens"',
    forms: [
      [
        text('EAAC', 'EAAG', 'EAAB', 'EAAD', 'EAAM', 'EAAJ', 'EAAI', 'EAAH', 'EAAF', 'EAAN', 'EAAL', 'EAAS'),
        run(ALNUM, 100, 400),
      ],
    ],
  }),
  vendor({
    id: 'pinterest-token',
    description: 'Pinterest access and refresh token',
    source: 'Pinterest Developers, "Authentication"',
    forms: [[text('pina_', 'pinr_'), run(LOWER_DIGIT, 60, 200)]],
  }),
  vendor({
    id: 'wakatime-key',
    description: 'WakaTime API key and token',
    source: 'WakaTime Docs, "API keys"',
    forms: [
      [text('waka_'), ...UUID],
      [text('waka_tok_', 'waka_ref_'), run(ALNUM, 40, 90)],
    ],
  }),
  vendor({
    id: 'frameio-token',
    description: 'Frame.io developer token',
    source: 'Frame.io Docs, "Developer tokens"',
    forms: [[text('fio-u-'), run(WORD_DASH, 64)]],
  }),
  contextual({
    id: 'spotify-secret',
    description: 'Spotify client secret',
    source: 'Spotify for Developers, "Authorization"',
    words: ['spotify'],
    values: [[run(HEX_LOWER, 32)]],
    examples: ['SPOTIFY_CLIENT_SECRET=$'],
  }),
  contextual({
    id: 'virustotal-key',
    description: 'VirusTotal API key',
    source: 'VirusTotal Docs, "API authentication"',
    words: ['virustotal', 'VT_API'],
    values: [[run(HEX_LOWER, 64)]],
    examples: ['VIRUSTOTAL_API_KEY=$'],
  }),
  contextual({
    id: 'shodan-key',
    description: 'Shodan API key',
    source: 'Shodan Docs, "REST API"',
    words: ['shodan'],
    values: [[run(ALNUM, 32)]],
    examples: ['SHODAN_API_KEY=$'],
  }),
  contextual({
    id: 'infura-key',
    description: 'Infura, Alchemy and Etherscan key',
    source: 'Infura Docs, "API keys"; Etherscan Docs, "Getting an API key"',
    words: ['infura', 'alchemy', 'etherscan'],
    values: [[run(HEX_LOWER, 32)], [run(WORD_DASH, 32)], [run(UPPER_DIGIT, 34)]],
    examples: ['INFURA_API_KEY=$'],
  }),
  contextual({
    id: 'asana-token',
    description: 'Asana personal access token',
    source: 'Asana Docs, "Personal access token"',
    words: ['asana'],
    values: [
      [text('1/', '2/'), run(DIGIT, 13, 17), text(':'), run(HEX_LOWER, 32)],
      [text('2/'), run(DIGIT, 13, 18), text('/'), run(DIGIT, 13, 18), text(':'), run(HEX_LOWER, 32)],
    ],
    examples: ['ASANA_TOKEN=$'],
  }),
  vendor({
    id: 'twitter-bearer',
    description: 'X (Twitter) app-only bearer token',
    source: 'X Developer Docs, "Bearer token"',
    forms: [[text('AAAAAAAAAAAAAAAAAAAAA'), run(WORD_DASH, 6, 80), text('%2B', '%2F', '%3D'), run(WORD_DASH, 6, 100)]],
    accept: (found) => variety(found) > 12,
  }),
  contextual({
    id: 'alchemy-key',
    description: 'Alchemy API key',
    source: 'Alchemy Docs, "Create an API key"',
    words: ['alchemy'],
    values: [[run(WORD_DASH, 32)]],
    examples: ['ALCHEMY_API_KEY=$'],
  }),
  contextual({
    id: 'etherscan-key',
    description: 'Etherscan API key',
    source: 'Etherscan Docs, "Getting an API key"',
    words: ['etherscan'],
    values: [[run(UPPER_DIGIT, 34)]],
    examples: ['ETHERSCAN_API_KEY=$'],
  }),
];
