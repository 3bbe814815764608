"""What sites publish, written for these tests: in English and in Burmese, whole and damaged."""

from __future__ import annotations

HOME = "https://river.example.org/news/feed/"

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"
  xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel>
 <title>River &amp;amp; Road Watch</title><link>https://river.example.org/</link>
 <atom:link href="https://river.example.org/news/feed/" rel="self" type="application/rss+xml"/>
 <image><title>Logo</title><url>https://river.example.org/logo.png</url>
  <link>https://elsewhere.example.org/</link></image>
 <language>en-US</language>
 <item>
  <title>Floods in the delta: what 40 villages need &#8211; now</title>
  <media:group><media:title>A picture of water</media:title></media:group>
  <link>https://river.example.org/2026/11/floods/?utm_source=rss&amp;utm_medium=rss</link>
  <dc:creator><![CDATA[Desk]]></dc:creator>
  <pubDate>Mon, 16 Nov 2026 09:30:00 +0630</pubDate>
  <guid isPermaLink="false">https://river.example.org/?p=411</guid>
  <description><![CDATA[<p>Water stands <b>two metres</b> high.</p>]]></description>
  <content:encoded><![CDATA[<p>A long text.</p>]]></content:encoded>
 </item>
 <item>
  <title><![CDATA[ရေကြီးမှုကြောင့် ရွာပေါင်း ၄၀ အကူအညီ လိုအပ်နေ]]></title>
  <link>/my/2026/11/floods/</link>
  <pubDate>Tue, 17 Nov 2026 18:00:00 GMT</pubDate>
  <guid>https://river.example.org/?p=412</guid>
 </item>
 <item><title>No link at all</title><description>x</description></item>
 <item><description>&lt;p&gt;A note without a title, of some length.&lt;/p&gt;</description>
  <guid>https://river.example.org/notes/9</guid></item>
</channel></rss>"""

ATOM = """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="my" xml:base="https://hill.example.org/blog/">
 <title type="html">တောင်တန်း &lt;i&gt;သတင်းလွှာ&lt;/i&gt;</title>
 <link rel="self" href="atom.xml"/><link href="."/>
 <entry>
  <title type="text">ဒုက္ခသည်များ၏ &lt;အခွင့်အရေး&gt;</title>
  <link rel="enclosure" href="talk.mp3" type="audio/mpeg"/>
  <link rel="alternate" type="text/html" href="rights?fbclid=abc&amp;id=7"/>
  <id>tag:hill.example.org,2026:7</id>
  <updated>2026-11-19T01:00:00Z</updated><published>2026-11-18T23:45:00+06:30</published>
  <source><title>Another paper</title><id>urn:other</id></source>
  <summary type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">စာသား <b>အစ</b></div></summary>
 </entry>
 <entry xml:lang="en">
  <title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Rights on the
   <em>border</em></div></title>
  <link href="https://hill.example.org/blog/border"/><id>tag:hill.example.org,2026:8</id>
  <updated>2026-11-17</updated>
 </entry>
</feed>"""

RSS1 = """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
 <channel rdf:about="https://old.example.org/"><title>Old Paper</title>
  <link>https://old.example.org/</link><dc:language>en</dc:language></channel>
 <item rdf:about="https://old.example.org/1"><title>Court adjourns</title>
  <link>https://old.example.org/1</link><dc:date>2026-11-15T10:00+07:00</dc:date></item>
</rdf:RDF>"""

JSON = """{"version": "https://jsonfeed.org/version/1.1", "title": "Field Notes",
 "home_page_url": "https://notes.example.org/", "language": "en",
 "items": [
  {"id": 17, "url": "/17", "title": "Salt & water", "date_published": "2026-11-17T08:00:00Z"},
  {"id": "https://notes.example.org/18", "content_html": "<p>Only a <b>text</b>.</p>"},
  {"id": "x", "title": ["no", "text"], "url": 5}, "no item", null]}"""

DAMAGED = """

<?xml version="1.0" encoding="iso-8859-1"?>
<rss version="2.0"><channel><title>Fish & Ships &nbsp; &mdash; ရေလုပ်သား</title>
<item><title>Boats &amp; nets & rope &copy;</title><link>https://sea.example.org/?a=1&b=2</link>
<pubDate>18 Nov 2026</pubDate></item>
<item><title>Left open</title><link>https://sea.example.org/2</link>
<description><p>one<br>two</description></item>
<item><title>After it</title><link>https://sea.example.org/3</link></item>
<item><title>Cut o"""

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9))
    + "]><rss><channel><title>&j;</title><item><title>&j;</title><link>https://e.example.org/"
    "</link></item></channel></rss>"
)
XXE = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    "<rss><channel><item><title>&f;</title><link>https://e.example.org/</link></item>"
    "</channel></rss>"
)

PAGE = """<!DOCTYPE html><html lang="en-US"><head><meta charset="utf-8">
<title>Floods in the delta: what 40 villages need | River Watch</title>
<!-- <meta property="og:title" content="An old title"> -->
<link rel="canonical" href="https://river.example.org/2026/11/floods/">
<link rel="alternate" hreflang="my" href="/my/2026/11/floods/">
<link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed/">
<link rel="alternate" type="application/rss+xml" title="River Watch &raquo; News" href="/feed/">
<link rel='https://api.w.org/' href='https://river.example.org/wp-json/' />
<meta property="og:title" content="Floods in the delta: what 40 villages need - River Watch" />
<meta property="og:site_name" content="River Watch" />
<meta property="article:published_time" content="2026-11-16T09:30:00+06:30">
</head><body><h1>Floods</h1></body></html>"""

BURMESE_PAGE = """<html lang="en-US"><head>
<title>ရေကြီးမှုကြောင့် ရွာပေါင်း ၄၀ အကူအညီ လိုအပ်နေ - မြစ်ကမ်းသတင်း</title>
<script type="application/ld+json">
{"@context": "https://schema.org", "@graph": [
 {"@type": "WebSite", "name": "မြစ်ကမ်းသတင်း"},
 {"@type": ["NewsArticle"], "headline": "ရေကြီးမှုကြောင့် ရွာပေါင်း ၄၀ အကူအညီ လိုအပ်နေ",
  "datePublished": "2026-11-17T08:00:00+06:30", "inLanguage": "en",
  "publisher": {"@type": "Organization", "name": "မြစ်ကမ်းသတင်း"}}]}</script></head></html>"""

POSTS = """[
 {"id": 900, "date": "2026-11-18T09:00:00", "date_gmt": "2026-11-18T02:30:00", "lang": "en",
  "link": "https://hill.example.org/statement/",
  "title": {"rendered": "Statement on the &#8216;border&#8217; talks"},
  "excerpt": {"rendered": "<p>We ask all sides.</p>"}, "translations": {"en": 900, "my": 901}},
 {"id": 901, "date": "2026-11-18T09:05:00", "date_gmt": "2026-11-18T02:35:00", "lang": "my",
  "link": "https://hill.example.org/my/statement/",
  "title": {"rendered": "နယ်စပ် ဆွေးနွေးပွဲနှင့် ပတ်သက်သည့် ထုတ်ပြန်ချက်"},
  "translations": {"en": 900, "my": 901}},
 {"id": 902, "date": "2026-11-17T23:00:00", "link": "https://hill.example.org/report/",
  "title": {"rendered": "A report"}, "wpml_current_locale": "en_US",
  "wpml_translations": [{"locale": "my_MM", "id": 903, "href": "https://hill.example.org/x/"}]},
 {"id": "904", "link": "https://hill.example.org/odd/"}, 7, {"id": 905, "link": "ftp://x"}]"""
