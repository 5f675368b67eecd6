package programme

// The words of FirstLevel. Stems are compared by sound; a star says that the word
// may go on, and its last letter is one that sounds the same when it does
// ("manj*" for mange, mangé, mangent).

// exactWords are folded and taken as they stand; those of no concept are ordinary
// words that a stem would take for another.
var exactWords = map[concept]string{
	0: `gossi file defens files filet filets filer violet violette violettes violon vole volet volets volaille volailles volontaire volontaires volonte volume
		eleve eleves elevage eleveur eleveurs couple couples coupon coupons arbre arbres larmes tirage tiroir tisser tissu batterie batteries bateau bateaux
		batiment batiments batir bati battage batteuse mariage enlever enceinte enceintes emballage agrement agriculture agricole menage menager forage forages
		forages forgeron forgerons force forces forcement forestier forestiers abusif tube tuyau tuyaux tueur chassis bombarder casier casiers caisson caissier
		marigot marigots marie balance balances ballon ballons balai bala bale tapis taper tapioca agence agences attache touche touches touchee touchees minerai
		seule seul seulement racine racines abat abattoir abattre paille mineral minute minutes minuit menagere menageres armoire armoires explique exploitation exploitations
		pistache couper voler vol vols vole prise prises prix prend vendre comparer violence cote cotes`,
	weaker:        "fille filles fillette fillettes",
	weaker | blow: "battue battues",
	kill:          "tue tuee tues tuees tuer tuent tueur tueurs faga fagara wii",
	weapon:        "arme armes",
	take:          "vole volee voler volent vol coupe coupee coupent coupes couper prend prends prennent pris prise prises prendre garde gardent",
	theft:         "vols vol vole volee voles volees voler volent",
	grave:         "violence violences violer",
	forces:        "armee armees fama",
	place:         "distribution distributions",
	thanks:        "bravo",
	wed:           "coupure coupures mariage marie mariee mariees marier marient",
	neglect:       "seul seule seuls attache attachee",
	threat:        "force honte honteux forcee forces forcer forcent",
	intimate:      "touche touchee touches toucher touchent",
}

var stemWords = map[concept]string{
	grave: `viol viols viole* violan* agres* atouche* harsel* insest* eksision* excise* bolokoli sexe* seksu* prostitu* pedofil* abuser abuse abuses
		esclav* servitude* kidnap* rapt rapts otage* jihad* teroris* kalach* kalac* klach* fusil* pistolet* roquette* rafale* munision* munition*
		grenad* obus bombe* bombard* eksplo* esplos* deton* mines dinamit* suicid* desesper* depres* cauchemar* represay* ranson* rakett* racet*
		ekstors* ekstork* confidens* confidenc* discrimin* egorj* decapit* asasin* meurtr* echecut* tortur* sekestr* drone* mitray* kamikaz* milis
		milise* mersener* mercenair* espion* korup* corromp* fraud* detourn* detoun* magouy* escro* fiktif* malversation* surfactur* recrut* enrol*
		radikal* couvrefeu marifa marifaw gundo sutura jonya jagoya yuruguyurugu nanbara binkanni* kojugukela* zanba zanbi tabas* maltrait* maltret*
		lapid* fouet* fwet* lanche* traitre* enturbann* turban* barbus barbu intimid*`,
	weaker: `wande den denw femme* fam fames fem veuve* enfant* bebe* gamin* orfelin* voisine* soeur seur epouse* maman mineur mineure mineurs mineures
		adolesc* vieille vielle servante* bonne bonnes domestik* talibe* garibou* handikap* eleve* ecolier* kolejien* etudiante* muso musow
		musomanin* denmuso* npogotigi* denmisen* woy woyborey zanka zankey niece* jumel* aveugle*`,
	child: `garson garcon garsons garcons enfant* bebe* gamin* orfelin* mineur mineure mineurs mineures adolesc* talibe* garibou* ecolier* denmisen*
		zankey petit petite petits petites fillette*`,
	somebody: `boutikie* institut* transport* marchand* forain* pecheur* minist* xauffeur jeune* jen homme* gens personne* frere* fils cousin* pere papa
		oncle* famille* habitant* villajeois* voisin voisins berger* eleveur* commersant* voyageur* passager* chauffeur* garson* garcon* ami amis
		camarade* mari mogo mogow cew ce denke* boro borey maire notable* imam marabout* cheikh infirmier* docteur* maitre* enseignant* agent* chef
		mort morts`,
	agent: `gardien* vigile monsieur consultant* agent* animat* enquet* comite* presidan* tresor* sekretair* responsab* coordin* distribut* facilitat*
		formateur* superviz* relais volontaire* benevole* magasinier* enkadreur* employe* stajiaire* comptable* vaksinateur* chauffeur*
		gestionnaire* jestioner* logistik* partenaire* prestataire* moniteur* monitrice* superieur* patron* directeur* jerant* kuntigi`,
	power: `chef* maire* prefet* souprefet* imam* marabout* maitre* enseignant* docteur* infirmier* conseiller* notable* dugutigi* juje elu elus
		delegue* delegay* komandant* gouverneur*`,
	us: `projet* projey amss ong equipe* vous vos votre personnel bureau vehikule*`,
	blow: `frap* batu* bat batent batre bats jifl* tape tapes tapent taper coup coups cogn* bles* brule brulent bruler poignard* pognard* coutau
		couteau* machette* gosi bugo tooro bagar* violant saigne* ensanglant* fouete* kar bastone* pouse etrangl* etouf* crache* secou* bleus corige
		punit punir puni`,
	threat: `menas* insult* injur* humili* force* obliji* oblije* oblig* kontrain* cri crie* cris hurle* chasse* renvoy* terroriz* chante* chantaj* abus*
		puni* bagabaga kankari vengean* venje* ivre* saoul* sou soul ivrogn* alkol* drogue* deshonor* mepris*`,
	kill: `tuee* tuent abatu* meurtre* asassin* fusil* fagara faga`,
	animal: `vache* beuf* boeuf* bouf mouton* chevre* ane anes chevau* cheval chameau* chamo* betail* troupeau* animau* animal bete betes veau* poule*
		misi misiw saga sagaw ba baw bagan* haw almam* alman* chien* hyene* singe* oiseau* poisson* cabri* belier*`,
	money: `arjan* fonds fon cotis* caisse kese chaise franc* fransc fcfa cfa somme somm epargne* eparn* pret prets kredit wari nooru nafolo salaire*
		subven* dons don recette* million* mil mille payement* jetons jeton perdiem* prime* remboursem* compte comptes tontine*`,
	goods: `mil riz huile ouile sucre sac sacs vivre* cereal* kit kits bidon* motopompe* panneau* beurre* materiel* equipement* grillaje* semence*
		engrai* pompe* tole* biens stock`,
	take: `manj* vole* volai* derob* bouf* detourn* empoch* disparu* chourav* prelev* retir* coupe* diminu* retenu* retien* retient subtilis* triche*
		fui enfui* dun dunna dimi falsifi* revan* vendu* vende* vends vend gaspil* confisk* ramass*`,
	ask: `demand* pay* donne* vers* exij* exig* reclam* kadeau* pourboire* bakchich* anvelop* glisse* soudoy* achet* faut tarif* condision* condition*`,
	place: `liste* list karte* inskri* aide aides ede ration* bon bons coupon* kit kits place recens* ansans selection* chois* distribution* formation*
		emploi* travail poste`,
	forces: `militair* militer* soldat* solda jandarm* polis* patrouy* rebel* wagner* sorodasi* instructeurs combatt* ofisier* dozo* patruy* bandit*
		helikopt* avion* convoi* sodasi*`,
	weapon: `armer tir tirs tire tirent tirer balle balles obus kalachn* marifa* detonation*`,
	seize: `embarke* enlev* emmen* emporte* captur* aret* arest* prisonn* detenu* deteni* enferm* disparu* disparai* disparision* disparition* ligot*
		liber* introuvabl* minen* cepe tunun* cherche cherchent recherch*`,
	leave: `parti partis partie* partent part quit* rejoi* disparu* disparai* suivi suivre suivent anjaj* engag* fugue* fuit fuient fuir fui abandon*
		sorti*`,
	night: `nuit nuits soir soirs minuit aube su surofe aluula almaari`,
	came:  `venu venus vene viene vienent vien passe passes passent entre* rentre* revenu* revien* arive* debarq* instal* encercl* fouy* rode* rodent`,
	preach: `parle parler parlent prech* sermon* discour* ordonn* exij* exig* fouy* kestion* interoj* interrog* demande* noms nom telephone* reuni reunis
		rassembl* cherch* surveil* surveye* impos*`,
	ban: `interd* anterd* defan* defen* oblij* impoz* enpech* droit droits`,
	life: `sorti* musik* radio ecole* lekole fete* mariage* bapteme* fume* sigaret* voile* hijab* pantalon* telefon* foot balon jouer dans danse*
		deplac* voyaj* voyag* circul* travail* marche* parler prier mosk* eau puits puit reunion* terre terres voich marier epouse* heritag* vote*
		television* tele cultiver priere* puiser place`,
	barrier: `barraj* barrag* barier* kontrol* checkpoint* poste postes cordon korde`,
	tax:     `taks* impot* inpo inpot* zaka* dime prelevem* jakka*`,
	husband: `mari maris epoux conjoint* furuce beaupere belmer bellemere bofrer cean`,
	harm: `garde* telefon* sait sais save* saura savoir bois boit boire cache* surveil* jalou* peur fouil* violan* refus* arjan* fui quit* abandon*
		chef insult* enferm* appel* rapel* voir dormir dehors dort`,
	neglect: `perdu* seuls abandon* mendi* exploit* esploit* enferm* atach* vendu* maltrait* introuvab* disparu* tunun* malnouri* afam* danger* bat* frap*
		brul* bles* drogu* enrol* arme* minen* chantie* orpaill* trafik* enleve* traite accuse* sorsel* travaille travaillent`,
	wed: `mari* furu dot dote dota fiansse fianc* enseint* ansint* grosses* kono konoma*`,
	intimate: `profit* amour* gentil* douche* toilete* kouch* caress* embras* sein seins fes fesse* nue nues deshabil* dezabil* intim* dragu* copine*
		maitress* metres rdv rendezvous hotel chambre* touch* enceint* grosses* relation* faveur* selfi* seduir* bisou*`,
	lure:   `exan* echang* faveur* veuch veut voulez acept* accept* contrepartie* promet* promi* promes* chez servis service couche*`,
	refuse: `refus* rejet* exclu* chas* ignor* isol* separ* prive* privé mepris* insult* interd* traite* koi`,
	origin: `rang orijin* kast* asendan* desendan* naissance* nesans lignage* lignee* linaje* race races ansetre* aieux captif* captiv* ainsetre* etni*
		inferieur* nobl* jonw servil* affranchi*`,
	home: `vilaj* villag* maison* meson case cases kaz hameau* hamo* kanpeman* konsesion* ecole* dispensaire* mairie* dugu koira csref cscom domicile*
		quartier*`,
	harvest: `pech* poisson* filet* bourgou* paturaj* paturag* maree hidro* champ* chan rizier* perimetr* digue* kolon* kanal forage* forag* prich*
		cultur* cultiv*`,
	thanks:    `explik* poli polie polis grase apris respecte respectueu* mersi* patient* pasiant* felicit* kontan* heureuch* bravo`,
	theft:     `vole* braq* pill* cambriol* arach* deroba* sonya* zay zayey bandit* coupeur* depouy* rafle*`,
	road:      `route* piste pistes camion* pinas* moto motos vehicul* foire* bus kar taxi* transport* sira sirafe embusc* fleuve*`,
	chief:     `chefferi* chefri* chefs sukses* intronis* heritier* dugutigi* tron trone*`,
	faith:     `imam* mosk* misiri* mausole* marabout* priere* preche* eglis* cimetier* cimetir* secte* ecole* lekole lakoli* koran* medersa* relij*`,
	politics:  `eleksion* elect* elus elu maire maires mairie* prefet* decoupaj* decoupag* vote* politi* meeting* kandida* cerkl*`,
	displaced: `deplace* refuji* rapatri* retour* revenu* okup* proprietair* expuls*`,
	rumour: `rumeur* rumer* fausse* mensonj* mensong* hain* propagand* wasap* whatsapp* audio* facebouk* facebook* empoison* bolonfekuma nunununukuma
		provok* calomni*`,
	groups:  `frakcion* fraction* komunaut* cominote* communote* clan* tribu* voisinvil* ethni*`,
	fear:    `peur* per crain* krin* siran* inkiet* mefi* tendu* tension*`,
	attack:  `attak* embusc* asaut* affront* binkan*`,
	burn:    `brul* insendi* ansandi* feu jeni*`,
	unnamed: `ils inkonu* etranjer* individu* certains euch`,
	death:   `mort morte morts mortes deces desed* mourir saya sara cadavr* tues`,
	fund:    `epargn* tontine* caisse kese cotis* fonds sous pari wari`,
	gone:    `disparu* utilis* manj* bouf* detourn* mank* vid vide envol* retir* cherch* vole*`,
	must:    `doi doit doivent dwat devons devez devoir habill* couvrir voil* foulard obei obeir`,
	device:  `engin engins`,
	object:  `truc trucs objet* obje metal* meto ferraille* engin* colis fil mugu nege`,
	found:   `pont pres bord chemin* trouv* enter* terre piste route approch* brill* ressembl* cache* bombe pose sort sortent dogolen sira`,
	dying:   `mourir`,
	wish:    `mettez ajout* nomm* choisi* proposons prevoir prevoyez voulons souhait* aimer* faudr* quand komb* kel quelle quels comment koman`,
	absent: `okun aucun aucune date heure prochain* semaine reunit reunion* utile* reven* revien* venu venue viene vient absent* retard* repon* decroch*
		atan*`,
	ask | grave: `ransonn*`,
}

// phraseWords are several words that say together what none says alone.
var phraseWords = map[concept]string{
	grave: `coup de feu,coups de feu,coup de fusil,couvre feu,mariage force,mariages forces,fatigue de la vie,fatiguee de la vie,fatigue de vivre,fatiguee de vivre,marre de vivre,marre de la vie,envie de mourir,envie de vivre,
		veux mourir,voudrais mourir,vais mourir,mieux mourir,prefere mourir,preferer mourir,prefere la mort,mieux vaut mourir,me tuer,se tuer,me suis,finir avec la vie,fin a mes jours,fin a ma vie,fin a sa vie,en finir,me pendre,se pendre,s est pendu*,me noyer,se noyer,se jeter dans,me jeter dans,
		plus envie,plus la force,plus de force,plus d espoir,perdu espoir,perdu tout espoir,vie n a plus,vie a plus de sens,vie ne vaut,vie sert a rien,sert a rien de vivre,plus le gout,goute plus la vie,a quoi bon,pleure chaque,pleure tous les,pleure toute la,pleure tout le temps,dors plus,je ne dors,ne dort plus,boire du poison,boire poison,avaler du poison,bu du poison,
		plus vivre,disparaitre de ce monde,quitter ce monde,quitter la vie,seule au monde,seul au monde,personne ne m aime,vie est finie,vie n est plus,ne supporte plus,supporte plus la vie,
		ne m appelez pas,n appelez pas,ne m appelle pas,ne me appelez,m appelez pas,m appelez plus,ne me rappelez pas,me rappelez pas,pas m appeler,pas me rappeler,n appelle pas,n appelez plus,ne rappelez pas,ne pas appeler,ne pas rappeler,ne m envoyez pas,pas d appel,
		personne ne doit savoir,personne doit savoir,ne dites pas,ne dite pas,dites pas mon nom,sans dire mon nom,pas dire mon nom,ne donnez pas mon,cachez mon nom,gardez mon nom,garder mon nom,en secret,mon secret,un secret,garder secret,gardez secret,en cachette,en prive,sans temoin,parler a une femme de,
		j ai peur de,j ai peur pour,j ai trop peur,peur de rentrer,peur de parler,peur pour ma vie,peur pour mes,peur de mourir,peur de denoncer,peur de lui,peur d eux,peur de mon,peur de mes,nous avons peur de sortir,g peur,on a peur d eux,on a peur de parler,on a peur de sortir,en danger,
		autre chose aux filles,autre chose aux femmes,autre chose a,autre chose avec,autre chose en retour,autre chose en echange,autre chose des filles,autre chose pour aider,autre chose que de l argent,passer la nuit,passe la nuit,passer nuit,dormir avec,dormir chez lui,dormir ensemble,coucher avec,couche avec,coucher avant,viens chez moi,venir chez moi,vien chez moi,venez chez moi,viens chez lui,venir chez lui,aller chez lui,aille chez lui,alle chez lui,viens me voir,vienne le voir,venir le voir,venir la nuit,viens la nuit,venir seule,viens seule,vienne seule,venir seul,viens seul,viens le soir,venir le soir,faire l amour,sortir avec,sors avec,sort avec,
		son corps,mon corps,notre corps,ton corps,mes seins,touche les filles,touche aux filles,contre service,pour service,si tu es gentille,si elle est gentille,sois gentille,devenir ma femme,devenir sa femme,sois ma femme,ma copine,ma cherie,numero des filles,numeros des filles,photos des filles,photo des filles,pas normal avec,
		une mine,la mine a,de mines,sur mine,des mines,champ de mines,mine artisanale,mine saute,mines sur,mine sur la,a saute sur,ont saute sur,saute sur une,saute sur la,engin explos*,engin bizarre,engin suspect,engin enterre,engin sur la,engin au bord,objet bizarre,objet suspect,objet inconnu,objet en fer,objet metallique,objet dangereux,objet enterre,objet qui,chose enterree,chose bizarre,chose enterre,truc enterre,truc bizarre,truc en fer,fer enterre,colis suspect,fil qui sort,fils qui sortent,fils electriques,bidon enterre,bidon suspect,un ied,ied sur,de la poudre,grosse detonation,bruit d explosion,
		hommes en moto,hommes a moto,gens a moto,gens en moto,hommes sur moto*,hommes sur des motos,gens sur des motos,gens sur moto*,hommes masques,hommes encagoules,hommes de la brousse,gens de la brousse,gens de brousse,hommes de la foret,gens de la foret,homme arme,groupe arme,groupes armes,hommes enturb*,hommes inconnus,des inconnus,inconnus arm*,hommes avec des,ils ont des armes,avec arme*,drapeau noir,drapeaux noirs,au nom de dieu ils,la charia,charia,la chariya,gens d en haut,vous savez qui,ceux de la brousse,ceux de la foret,gens qu on ne connait,hommes qu on ne connait,
		dans la brousse avec,partis en brousse,parti en brousse,partir en brousse,partis dans la brousse,parti dans la brousse,rejoint la brousse,prendre les armes,donnent de l argent aux jeunes,promettent de l argent aux jeunes,propose de l argent aux jeunes,proposent de l argent aux jeunes,appellent les jeunes,prennent nos enfants,prennent les enfants,prennent les jeunes,veulent nos jeunes,veulent nos enfants,
		interdit de sortir,interdit de circuler,interdit la musique,interdit aux femmes,interdit aux filles,interdit l ecole,interdit de jouer,interdit la fete,ne sortent plus la nuit,sort plus la nuit,plus sortir la nuit,plus sortir apres,pas sortir la nuit,pas sortir apres,dorment dehors,dorment en brousse,dort en brousse,dormons en brousse,dormir en brousse,ferme l ecole de force,ont ferme l ecole,ont ferme notre ecole,menacent l ecole,menace l ecole,menace le maitre,menacent le maitre,menace les enseignants,
		ne venez pas,ne venez plus,ne revenez pas,ne revenez plus,vous attaquer,attaquer vos,vous tuer,vous surveille*,on vous surveille,vous guette*,vous cherche*,vous attend* sur,votre vie est,dangereux pour vous,faites attention a vous,faites attention sur la route,attention a votre,lettre de menace,lettres de menace,appel de menace,appels de menace,menace de mort,menaces de mort,menace de me,menace de nous,menace de le,menace de la tuer,menaces sur,liste noire,liste des gens a,contre votre equipe,contre l equipe,contre votre projet,en veulent a,
		a cause de notre origine,a cause de mon origine,a cause de l origine,a cause de son origine,cause de ma naissance,cause de notre naissance,cause de la naissance,cause de notre nom,cause de ma peau,cause de notre peau,cause de notre couleur,cause de ma couleur,couleur de peau,pas de bonne famille,de mauvaise naissance,petites gens,comme des animaux,comme des chiens,comme des betes,comme un animal,comme un chien,comme une bete,comme moins que,ses maitres,nos maitres,nos anciens maitres,ancien maitre,anciens maitres,mon maitre,son maitre,leur maitre,leurs maitres,le maitre de ma famille,appartient a,appartenons a,appartiennent a,appartenir a,travaille sans salaire,travailler sans salaire,travaillons sans salaire,travaille sans etre paye,travailler sans etre paye,travaille gratuit*,travailler gratuit*,travaillons gratuit*,sans nous payer,n ont pas le droit de,n avons pas le droit,nous n avons pas droit,pas le droit de parler,pas le droit au puits,pas le droit d,refuse de nous saluer,refusent de manger avec,mange avec nous,pas les vrais gens,gens de rien,
		mange l argent,mange notre argent,mange les cotis*,mange la caisse,mange tout,mange les fonds,mange le fonds,bouffe l argent,bouffe notre,argent des femmes,argent a disparu,argent disparu,argent est parti,argent est fini sans,caisse est vide,caisse vide,caisse a disparu,parti avec l argent,partie avec l argent,parti avec la caisse,partie avec la caisse,parti avec notre,fui avec,enfui avec,fui avec l,vole l argent,vole notre argent,vole la caisse,vole dans la caisse,pris l argent de la caisse,pris l argent de notre,pris l argent du,pris l argent des,prend l argent des,prend l argent du,pris notre argent,pris la caisse,garde l argent pour lui,garde l argent pour elle,garde notre argent,garde tout l argent,dans sa poche,dans leur poche,dans leurs poches,dans ses poches,dans la poche,sous la table,sous table,pot de vin,pots de vin,faux noms,faux nom,faux recus,faux recu,fausse liste,fausses listes,fausse facture,fausses factures,noms de personnes mortes,noms des morts,noms qui n existent,fausse signature,signe a notre place,signer sans,sur chaque femme,sur chaque sac,sur chaque personne,sur chacun,sur chacune,a chaque femme,de chaque femme,sa part,leur part,payer pour etre,payer pour avoir,payer pour entrer,paye pour etre,payer pour l inscription,payer avant d,payer pour la liste,payer pour la carte,donner de l argent pour,donner argent pour,donne de l argent pour,verser de l argent pour,verser pour,argent pour etre,argent pour la liste,argent pour la carte,argent pour nous inscrire,argent pour inscrire,argent pour mettre,argent avant de,avant de nous inscrire,pour mettre mon nom,pour mettre notre nom,pour mettre nos noms,pour ajouter mon nom,pour ecrire mon nom,pour etre sur la liste,pour etre dans la liste,vend les bons,vend les cartes,vend le mil du,vend le riz du,vend les sacs,vend nos,vendu nos,vendu les vivres,vendu le materiel,vendu l aide,vendu le mil,vendu le riz,vendu les semences,vendu les sacs,vend l aide,vend les vivres,vendent l aide,vendent les vivres,revend*,
		wari dun,wari dunna,ye wari dun,ye wari ta,wari bee dun,wari tununna,yere faga,a yere faga,n yere faga,saya ka fisa,muso gosi,muso bugo,muso tooro,muso do ye tooro,den gosi,den bugo,ye muso gosi,ye den gosi,mugu ci,mugu cira,mogo faga,mogow faga,mogo minena,mogow minena,ka mogo mine,u nana sufe,u nana su fe,jon de,n te jon ye,an te jon ye,siran be n na,n be siran,boro wii,woy kar,ga boro kar,
		moins de 18 ans,moins de 15 ans,a 12 ans,a 13 ans,a 14 ans,a 15 ans,a 16 ans,de 12 ans,de 13 ans,de 14 ans,de 15 ans,de 11 ans,de 10 ans,de 16 ans,couper les filles,coupe les filles,couper la fille,non accompagne*,enfants des rues,fait du mal,font du mal,faire du mal,fait mal a ma,fait mal aux,fait mal a la,fait des choses,choses avec les filles,fait souffrir,souffrir a la maison,souffre a la maison,souffre chez,problemes a la maison,probleme a la maison,chasse de la maison,chassee de la maison,jetee dehors,jete dehors,mis dehors,mise dehors,a la porte avec mes,enferme a la maison,enfermee,enleve la fille,famille est chassee,famille chassee,familles chassees,chasse notre famille,
		abus de pouvoir,abuse de son,abusent de leur,mauvais comportement avec,manque de respect aux filles,se venge*,veut se venger,a la famille du,aux parents du,a sa famille,a ses parents,a son frere,fait des propositions,fait des avances,me fait la cour,n est pas le meme que dans,ne sont plus dans,n est plus dans la,ne correspond pas,comptes ne sont pas justes,compte n est pas juste,vendu le reste,garde le reste,ses enfants sur la liste,ses parents sur la liste,sa famille sur la liste,ses propres,sans manger,motos cette nuit,motos la nuit,motos hier soir,motos hier nuit,beaucoup de motos,bcp de motos,plusieurs motos,papier qui dit,lettre qui dit,lettre anonyme,papier anonyme,dit de partir,demande de partir,ordre de partir,de quitter le village,ne bugo,ne gosi,n bugo,n gosi,te fe ka balo,ka balo tun,a saute,ont saute,raison de vivre,gout de vivre,force de vivre,courage de vivre,vivre comme ca,c est grave,tres grave,c grave,cas grave,chose grave,besoin de parler,parler a quelqu un,parler a une femme,parler a une dame,au secours,sauvez,protege*,si on se plaint,si je me plains,si tu te plains,sera raye,seront rayes,n ose pas,ose pas parler,entend tirer,entends tirer,tirer en l air,tirer sur,gens qui n existent,personnes qui n existent,et on recoit,mais on recoit,et on nous donne que,coupure des filles,coupure des petites,couper les petites,tradition des filles,pris de force,prise de force,prises de force,par force,mouton sur,chevre sur,boeuf sur,par tete de,par ane,par camion,par pinasse,par vehicule,sinon ils,hommes de la brousse,gens de la brousse,de nos grands parents,de mes grands parents,de nos ancetres,retire mon nom,retire notre nom,retire de la liste,enleve mon nom,enleve notre nom,enleve de la liste,enlevee de la liste,raye mon nom,parce que j ai parle,parce que j ai refuse,parce que j ai dit non,parce qu elle a refuse,parce que elle a refuse,si tu parles,si je parle,si on parle,si vous parlez,si elle parle,si quelqu un parle,celui qui parle,ceux qui parlent,ceux qui posent,celles qui posent`,
	thanks:         "bon travail,beau travail,bien travaille,tres bien,travaille bien,travaillent bien,que dieu vous,i ni ce,aw ni ce,aw ni baara",
	wish:           "peut elle,peut il,peut on,peuvent ils,peuvent elles,faut changer,faut former,faut ajouter,formation pour,qui est le,qui est la,c est qui,qui est president,a quelle heure,quel jour",
	whereUnknown:   "vers la brousse,en brousse,dans la brousse,sait pas ou ils,sait pas ou,ne sait ou,sait pas ou ils sont,pas de nouvelles,sans nouvelles,pas de leurs nouvelles,aucune nouvelle,nouvelles de lui,plus de nouvelle*,jamais revenu*,pas revenu*,pas rentre*,destination inconnue,pas encore revenu*,n est pas revenu,sait pas si",
	unnamed | came: "ils sont venus,ils sont venu,ils viennent,ils passent,ils sont passes,ils sont entres,ils sont revenus,ils sont la,des gens sont venus,gens sont venus,hommes sont venus,on est venu,ils son venu,ils sont arrives,ils arrivent,sont venus la nuit",
	one:            "ma soeur,ma seur,ma fille,ma niece,ma petite,ma femme,mon mari,ma mere,ma voisine,ma tante,ma cousine,ma copine,sa femme,sa fille,sa soeur,son mari,sa belle fille,leur fille,une fille,une femme,une veuve,une eleve,un enfant,une enfant,une orpheline,un orphelin,une jeune,une petite,la fille du,la fille de,la femme du,la femme de,la veuve,beau frere,beau pere,belle mere,mon pere,mon oncle,mon patron,mon fils,mon enfant,mon frere,un garcon,un petit,un bebe,bebe,fille de,muso do,den do,npogotigi do",
	agent:          "chef de projet,gens du projet,quelqu un du projet,homme du projet,quelqu un de votre,un de vos,quelqu un de l ong,celui qui distribue,celui qui inscrit,celui qui fait la liste,ceux qui distribuent,ceux qui inscrivent,un monsieur du,monsieur du projet,dame du projet,chauffeur du,celui du projet,travaille au projet,travaille pour le projet,celui qui garde la caisse,cle de la caisse",
	barrier | ask:  "pour passer,avant de passer,pour traverser,droit de passage",
	harvest:        "droit d eau,prix du",
	groups:         "entre les villages,entre villages,entre deux villages,les 2 villages,les deux villages,autre village,autres villages,entre les communautes,2 communautes,deux communautes,village voisin,autre quartier,entre les quartiers,entre quartiers,entre groupes,entre les deux camps",
	chief:          "2 chefs,deux chefs,chef de village,chef du village,nouveau chef,ancien chef,chef de fraction,chef de quartier",
	displaced:      "pas de place pour,sont revenus,est revenu chez,rentres au village,occupe depuis",
	rumour:         "fausse nouvelle*,on dit qu ils vont,on dit que les,c est vrai,message qui circule,audio qui circule,on raconte que,il parait que",
	road:           "revenant de la foire,retour de la foire,revenant du marche,sur la route,la route de,autre chemin,n est pas sure",
	road | take:    "perdu tout l argent,arretee on a pris,route n est pas bonne",
	road | fear:    "route de,route est dangereuse,route n est pas sure,peur de la route,ne passe plus",
}
