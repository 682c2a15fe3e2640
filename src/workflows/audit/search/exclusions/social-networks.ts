import { type Category, entries, phrases, USUAL_NEED } from './category.ts'

/** Social networks, messaging, video and audio hosts, forums of everything. */
export const SOCIAL_NETWORKS: Category = {
  name: 'social_network',
  label: 'social network or content-sharing platform',
  domains: entries(`
    facebook.com fb.com instagram.com threads.net threads.com twitter.com x.com t.co linkedin.com lnkd.in
    youtube.com youtu.be tiktok.com pinterest.* snapchat.com reddit.com redd.it tumblr.com flickr.com vk.com
    ok.ru weibo.com wechat.com qq.com line.me whatsapp.com wa.me messenger.com telegram.org t.me discord.com
    discord.gg signal.org skype.com slack.com viber.com mastodon.social bsky.app truthsocial.com gab.com
    copainsdavant.com skyrock.com viadeo.com xing.com meetup.com nextdoor.* clubhouse.com bereal.com
    vimeo.com dailymotion.com twitch.tv kick.com rumble.com odysee.com bilibili.com ausha.co
    spotify.com deezer.com soundcloud.com mixcloud.com bandcamp.com podcastaddict.com podbean.com
    quora.com 9gag.com imgur.com giphy.com tenor.com linktr.ee taplink.cc about.me gravatar.com
    slideshare.net scribd.com issuu.com calameo.com prezi.com academia.edu researchgate.net
    goodreads.com babelio.com senscritique.com letterboxd.com allocine.fr strava.com
  `),
  suffixes: [],
  hostParts: [],
  keywords: phrases(`
    reseau social | social network | connect with friends | retrouvez vos amis | partagez vos photos
    | share your photos | followers | abonnes et abonnements | watch videos
  `),
  keywordsNeeded: USUAL_NEED,
  penalty: 0,
}
