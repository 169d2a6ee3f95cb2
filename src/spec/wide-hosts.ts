// Suffixes below which anyone can have a name: "*.SUFFIX" in an allow list would let a stranger's host in.
//
// A short list of what people really write, not the whole public suffix list: top-level domains are refused by form, these by name.

const REGISTRIES =
  'ac.uk co.uk gov.uk ltd.uk me.uk net.uk org.uk plc.uk com.au net.au org.au edu.au co.nz net.nz org.nz co.jp ne.jp or.jp co.kr or.kr ' +
  'com.br net.br org.br com.cn net.cn org.cn com.tw org.tw com.hk com.sg com.my co.id co.in net.in org.in firm.in co.il org.il co.za org.za ' +
  'com.mx com.ar com.co com.pe com.tr com.ua com.pl com.es com.pt com.gr com.ru co.th com.vn com.ph com.pk com.bd com.ng co.ke co.at or.at ' +
  'com.eg com.sa com.ve eu.org us.com uk.com eu.com de.com';

const HOSTING =
  'github.io githubusercontent.com gitlab.io bitbucket.io pages.dev workers.dev trycloudflare.com r2.dev cloudflare.net vercel.app now.sh netlify.app ' +
  'netlify.com herokuapp.com herokussl.com fly.dev onrender.com render.com railway.app up.railway.app deno.dev deno.net glitch.me repl.co replit.app ' +
  'replit.dev surge.sh web.app firebaseapp.com firebaseio.com appspot.com run.app cloudfunctions.net googleapis.com googleusercontent.com ' +
  'storage.googleapis.com withgoogle.com blogspot.com amazonaws.com s3.amazonaws.com cloudfront.net elasticbeanstalk.com execute-api.us-east-1.amazonaws.com ' +
  'awsapprunner.com amplifyapp.com lambda-url.us-east-1.on.aws on.aws azurewebsites.net azurestaticapps.net azurefd.net azureedge.net blob.core.windows.net core.windows.net ' +
  'windows.net cloudapp.net cloudapp.azure.com trafficmanager.net ngrok.io ngrok.app ngrok.dev ngrok-free.app ngrok-free.dev loca.lt localtunnel.me serveo.net ' +
  'tunnelmole.net bore.pub pagekite.me devtunnels.ms ts.net webhook.site requestbin.net pipedream.net beeceptor.com hookdeck.com oast.fun oast.pro oast.live oast.site ' +
  'oast.online oast.me interact.sh burpcollaborator.net oastify.com canarytokens.com dnslog.cn ceye.io nip.io sslip.io xip.io lvh.me duckdns.org dyndns.org no-ip.org ' +
  'ddns.net hopto.org zapto.org digitaloceanspaces.com ondigitalocean.app backblazeb2.com wasabisys.com linodeobjects.com supabase.co supabase.in ' +
  'hf.space wordpress.com wixsite.com weebly.com myshopify.com zendesk.com atlassian.net slack.com sharepoint.com readthedocs.io rtfd.io b-cdn.net fastly.net ' +
  'edgecompute.app akamaized.net stackblitz.io webcontainer.io csb.app codesandbox.io gitpod.io app.github.dev github.dev lhr.life lhr.rocks telebit.io';

const WIDE = new Set(`${REGISTRIES} ${HOSTING}`.split(/\s+/));

/** Why "*.BASE" is too wide, as the end of a sentence; null when it is not. */
export function wideReason(base: string): string | null {
  if (!base.includes('.')) return `covers every .${base} site`;
  if (WIDE.has(base)) return `covers everybody's ${base} site`;
  return null;
}
