//! Services whose keys have no prefix and are known only by the service's name beside them.
//!
//! Names that are ordinary words of code (`line`, `copper`, `shortcut`) are left out, and so are the big forges and clouds:
//! their names stand in many settings that are no secrets, and their tokens have prefixes.
//!
//! Collected from the rule sets of gitleaks, Nosey Parker, Kingfisher and TruffleHog.

/// Lower-case and sorted. A name that contains one, with a random value, is a secret's.
// A hundred names a screen, not one a line.
#[rustfmt::skip]
pub(crate) const SERVICES: &[&str] = &[
    "abuseipdb", "accuweather", "activecampaign", "adafruit", "adobe", "adyen", "aerisweather", "ahrefs",
    "airbrake", "airtable", "airvisual", "aiven", "akamai", "algolia", "alibaba", "aliyun", "alphavantage",
    "amadeus", "anaconda", "anypoint", "apify", "apilayer", "appcenter", "appdynamics", "appfollow", "applovin",
    "appsflyer", "appveyor", "artifactory", "asana", "assemblyai", "atera", "atlassian", "auth0", "avalara",
    "aviationstack", "backblaze", "bamboohr", "bannerbear", "baremetrics", "beamer", "betterstack", "bigcommerce",
    "binance", "bintray", "bitbucket", "bitfinex", "bitly", "bitmex", "bitrise", "bitstamp", "bittrex",
    "blockfrost", "blynk", "braintree", "branchio", "brevo", "browserstack", "bscscan", "bugsnag", "buildkite",
    "bunnycdn", "buttercms", "bybit", "calendly", "campaignmonitor", "chargebee", "chartmogul", "checkly",
    "circleci", "clarifai", "clearbit", "cleverreach", "clickhouse", "clickup", "clockify", "cloudant",
    "cloudconvert", "cloudflare", "cloudinary", "cloudmersive", "cloudsmith", "codacy", "codeclimate", "codecov",
    "codemagic", "codeship", "cohere", "coinapi", "coinbase", "coinlayer", "coinmarketcap", "confluent",
    "constantcontact", "contentful", "convertkit", "coveralls", "crowdin", "crowdstrike", "cryptocompare",
    "currencylayer", "customerio", "databricks", "datadog", "datocms", "deepai", "deepgram", "deepl", "deepseek",
    "detectify", "dialogflow", "digitalocean", "discord", "discourse", "disqus", "dockerhub", "docusign", "doppler",
    "droneci", "dropbox", "duffel", "dwolla", "dynatrace", "easypost", "elasticemail", "elevenlabs", "enphase",
    "eodhistoricaldata", "etherscan", "etsy", "eventbrite", "exchangerate", "exotel", "facebook", "fastly", "figma",
    "finicity", "finnhub", "firebase", "firecrawl", "fivetran", "fixerio", "fleetio", "flickr", "flutterwave",
    "foursquare", "freshbooks", "freshdesk", "freshservice", "fullstory", "geoapify", "geocodio", "getresponse",
    "gitea", "gitee", "gitter", "gocardless", "godaddy", "grafana", "graphhopper", "groq", "gumroad", "harvestapp",
    "hellosign", "helpscout", "hereapi", "heroku", "hetzner", "hibob", "honeybadger", "honeycomb", "hotjar",
    "hubspot", "huggingface", "hypixel", "iexcloud", "imagekit", "imgbb", "infobip", "infura", "intercom", "ipdata",
    "ipgeolocation", "ipinfo", "ipstack", "iterable", "jenkins", "jfrog", "jira", "jotform", "jumpcloud", "kaggle",
    "kaltura", "keycdn", "kickbox", "klarna", "klaviyo", "kontent", "kraken", "kucoin", "launchdarkly", "lemlist",
    "linear", "linkedin", "linode", "livechat", "livekit", "logdna", "loggly", "logzio", "lokalise", "looker",
    "magento", "mailboxlayer", "mailchimp", "mailerlite", "mailersend", "mailgun", "mailjet", "mailtrap",
    "mandrill", "mapbox", "mapillary", "mapquest", "marketstack", "mattermost", "maxmind", "mediastack", "meraki",
    "messagebird", "mistral", "mixpanel", "mollie", "moonshot", "moralis", "mparticle", "namecheap", "netlify",
    "newrelic", "newsapi", "nexmo", "ngrok", "notion", "nvidia", "nylas", "nytimes", "okta", "omdb", "onelogin",
    "onesignal", "onfido", "openai", "opencage", "openrouter", "openweather", "openweathermap", "opsgenie",
    "optimizely", "ovh", "packagist", "pagerduty", "pandadoc", "paypal", "paystack", "percy", "perplexity",
    "pinecone", "pingdom", "pinterest", "pipedrive", "plaid", "planetscale", "plivo", "postgrid", "posthog",
    "postman", "postmark", "prestashop", "privateai", "proxmox", "pushbullet", "pusher", "pushover", "qiniu",
    "quickbooks", "quicknode", "rackspace", "rapid7", "rapidapi", "raygun", "razorpay", "readthedocs", "rebrandly",
    "recaptcha", "recurly", "reddit", "removebg", "replicate", "ringcentral", "rollbar", "salesforce", "samsara",
    "saucelabs", "scaleway", "scrapingbee", "screenshotapi", "sendbird", "sendgrid", "sendinblue", "sentry",
    "serpapi", "servicenow", "shippo", "shodan", "shopify", "shutterstock", "sidekiq", "signalwire", "sinch",
    "slack", "smartsheet", "snapchat", "snyk", "softlayer", "solarwinds", "sonar", "sonarcloud", "sonarqube", "sourcegraph", "sparkpost",
    "splunk", "spoonacular", "squarespace", "squareup", "stabilityai", "statuspage", "storyblok", "stripe",
    "stytch", "sumologic", "supabase", "surveymonkey", "tatum", "tavily", "teamviewer", "telegram", "telnyx",
    "tencent", "tiingo", "tiktok", "todoist", "togetherai", "tomtom", "travis", "travisci", "trello", "tumblr",
    "twelvedata", "twilio", "twitch", "twitter", "typeform", "typesense", "ubidots", "uploadcare", "uptimerobot",
    "urlscan", "vercel", "viber", "virustotal", "vonage", "vultr", "wakatime", "walmart", "weatherapi",
    "weatherbit", "weatherstack", "webex", "webflow", "weebly", "whatsapp", "woocommerce", "wordpress", "workday",
    "wrike", "xero", "yandex", "yelp", "zapier", "zendesk", "zenrows", "zenserp", "zerobounce", "zerossl",
    "zerotier", "zoho", "zulip",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_lower_case_sorted_and_unique() {
        for service in SERVICES {
            assert!(service.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{service}");
        }
        for pair in SERVICES.windows(2) {
            assert!(pair[0] < pair[1], "{} before {}", pair[0], pair[1]);
        }
    }
}
