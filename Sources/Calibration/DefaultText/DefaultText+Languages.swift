extension DefaultText {
  /// Other languages.
  static let languages = [
    #"""
    Das Hellinger Moor

    Das Hellinger Moor ist ein rund 740 Hektar großes Hochmoor im Norden der gleichnamigen Gemeinde. Es entstand nach dem Ende der letzten Eiszeit in einer flachen Senke, in der sich über undurchlässigen Tonschichten das Regenwasser staute. Im Laufe der Jahrtausende verlandete der See, und auf den abgestorbenen Pflanzenresten siedelten sich Torfmoose an. Da diese Moose an der Spitze weiterwachsen, während sie unten absterben, wölbte sich die Oberfläche allmählich empor; in der Mitte des Moores ist der Torf stellenweise mehr als sechs Meter mächtig. Pro Jahr wächst er um etwa einen Millimeter.

    Die Bewohner der umliegenden Dörfer nutzten das Moor seit dem Mittelalter, wenn auch zunächst nur an den Rändern. Dort wurde Torf gestochen, getrocknet und als Brennmaterial verkauft. Die Arbeit war mühsam und schlecht bezahlt. »Wer hier ein trockenes Hemd haben will, muss es im Bett tragen«, hieß es unter den Siedlern, die man im 18. Jahrhundert mit dem Versprechen auf Steuerfreiheit angeworben hatte. Nach dem Bau der Kleinbahn begann der industrielle Abbau. Gräben von insgesamt 92 Kilometern Länge entwässerten die Fläche, und um die Mitte des 20. Jahrhunderts galt nur noch ein Zehntel des Moores als unberührt.

    Dass es nicht vollständig verschwand, ist einem Zufall zu verdanken. Als die Betreibergesellschaft in den siebziger Jahren zahlungsunfähig wurde, fand sich für die Abbaurechte kein Käufer. Die Gräben verfielen, einzelne Senken liefen wieder voll, und bereits nach wenigen Jahren kehrten Kraniche zurück, die man in der Gegend seit Generationen nicht mehr gesehen hatte. Ein Kreis von Lehrern und Landwirten setzte sich daraufhin für die Unterschutzstellung ein. Der Streit mit jenen, die auf eine Wiederaufnahme des Torfabbaus hofften, zog sich über elf Jahre hin und endete mit einem Kompromiss: Die Kernzone wurde Naturschutzgebiet, während die Randbereiche weiterhin als Grünland bewirtschaftet werden dürfen.

    Heute steht die Wiedervernässung im Mittelpunkt. Mit Hilfe von Spundwänden aus Lärchenholz werden die alten Gräben abgedichtet, sodass der Wasserstand langsam ansteigt. Das geschieht nicht allein aus Rücksicht auf seltene Arten wie den Sonnentau oder die Hochmoor-Mosaikjungfer. Entwässerte Moore setzen große Mengen Kohlendioxid frei, weil der Torf an der Luft zersetzt wird; nasse Moore dagegen speichern den Kohlenstoff. Messungen an vier Standorten haben gezeigt, dass die Emissionen nach dem Anstau um mehr als zwei Drittel zurückgegangen sind.

    Besucher können das Gebiet auf einem 3,8 Kilometer langen Bohlenweg erkunden, der am früheren Bahnhof beginnt. Im Lokschuppen erzählt eine kleine Ausstellung von der Geschichte des Torfstechens. Zwischen März und Juli bleibt ein Teil des Weges gesperrt, um die brütenden Vögel nicht zu stören.
    """#,
    #"""
    Vernoy-sur-Laive : le marché couvert rouvre ses portes après six ans de travaux

    On n'y croyait plus. Samedi matin, sous une pluie fine qui n'a découragé personne, la halle de Vernoy-sur-Laive a enfin retrouvé ses étals, ses odeurs de fromage et ses disputes sur le prix des poireaux. Il aura fallu six ans, trois entreprises successives et près de quatre millions d'euros pour restaurer ce bâtiment de fonte et de verre construit à la fin du XIXᵉ siècle, que beaucoup considéraient comme perdu depuis l'effondrement partiel de sa toiture.

    « La première fois que je suis entré ici, il y avait des arbres qui poussaient entre les dalles », se souvient l'architecte chargé du projet. Le diagnostic, établi à l'automne qui a suivi l'accident, était sévère : poutres rongées par la rouille, fondations instables, réseau d'évacuation des eaux hors d'usage. La municipalité avait alors envisagé de démolir l'édifice pour y aménager un parking. Une pétition, signée par plus de la moitié des habitants, en a décidé autrement.

    Le chantier a réservé bien des surprises. En creusant pour consolider les piliers, les ouvriers ont mis au jour les restes d'un lavoir dont aucune archive ne faisait mention ; il a fallu interrompre les travaux pendant quatorze mois, le temps de mener les fouilles. Une partie du bassin est désormais visible sous une plaque de verre, au centre de l'allée principale, où les enfants s'agenouillent pour tenter d'apercevoir les pièces de monnaie que les visiteurs, déjà, n'ont pu s'empêcher d'y jeter.

    Trente-deux commerçants ont pris place sous la nouvelle verrière, contre une cinquantaine autrefois. Certains n'ont jamais quitté la ville : pendant toute la durée du chantier, ils ont vendu leurs produits sur la place de l'église, sous des bâches, par tous les temps. D'autres sont nouveaux, comme cette jeune boulangère qui a abandonné un poste d'ingénieure pour pétrir du pain au levain, ou ce couple de maraîchers installé à une dizaine de kilomètres. Les loyers, fixés par la commune, varient selon la surface, mais aussi selon l'origine des marchandises : plus elles viennent de près, moins l'emplacement coûte cher.

    Tout le monde n'est pas satisfait pour autant. Plusieurs riverains s'inquiètent du bruit des livraisons, autorisées dès cinq heures, et l'opposition municipale dénonce un dépassement de budget de trente pour cent. « On nous avait promis une halle ouverte tous les jours ; elle ne le sera que le mercredi, le vendredi et le samedi », regrette une élue. La mairie répond que des concerts et des cours de cuisine occuperont les autres jours, à condition que des associations s'en chargent.

    À midi, cependant, l'heure n'était plus aux reproches. La fanfare jouait faux, le maire cherchait ses lunettes pour lire son discours, et l'on faisait la queue jusque dans la rue pour goûter la tarte aux mirabelles. « Elle n'a pas changé », a tranché une dame de quatre-vingt-neuf ans en s'essuyant les doigts. De mémoire de Vernoysien, c'était sans doute le plus beau des compliments.
    """#,
    #"""
    La biblioteca ambulante del valle de Orcera

    La biblioteca ambulante del valle de Orcera es un servicio público de préstamo de libros que recorre desde hace más de cuatro décadas las aldeas de una de las comarcas menos pobladas de la región. Su historia comenzó de manera casi accidental. Una maestra llamada Jacinta Robledal, destinada a una escuela de apenas nueve alumnos, advirtió que en ninguna de las casas había más libros que un calendario y, con suerte, un manual de veterinaria. Como no disponía de presupuesto, convenció al panadero para que llevara en su furgoneta, junto con las hogazas, una caja de novelas prestadas por el instituto de la capital. Quien compraba pan podía llevarse también una novela, con la única condición de devolverla antes de la siguiente luna llena.

    El éxito superó todas las previsiones. Al cabo de un año circulaban por el valle más de trescientos volúmenes, y el panadero, que al principio se había mostrado escéptico, se quejaba de que los clientes le entretenían hablando de los personajes. En vista de ello, la diputación provincial adquirió un autobús escolar fuera de servicio, al que se le quitaron los asientos para instalar estanterías. El vehículo, pintado de amarillo, pronto fue conocido como «el Canario», y así se siguen llamando sus sucesores, aunque el actual sea blanco y funcione con electricidad.

    En la actualidad, el servicio atiende veintitrés localidades, la mayor de las cuales no llega a los cuatrocientos habitantes. El recorrido completo dura dos semanas. Además de libros, el autobús transporta películas, juegos de mesa, semillas de hortalizas y un ordenador con conexión por satélite, gracias al cual los vecinos pueden pedir cita médica o consultar el estado de una ayuda agrícola. Las dos bibliotecarias que se turnan al volante reconocen que dedican tanto tiempo a rellenar formularios como a recomendar lecturas. «Venimos a prestar libros, pero lo que la gente más agradece es que alguien venga», resume una de ellas.

    Los datos confirman la importancia del proyecto. Según el último informe anual, cada habitante del valle toma prestados por término medio once libros al año, casi el triple que en las ciudades de la misma provincia. Los géneros preferidos son la novela histórica, los relatos policiacos y, entre los mayores de setenta años, la poesía. El porcentaje de ejemplares perdidos no alcanza el uno por ciento, y en más de una ocasión se han devuelto obras que llevaban décadas desaparecidas, encontradas por los herederos en el fondo de un arcón.

    El futuro, sin embargo, no está asegurado. La despoblación continúa, y con ella la tentación de suprimir un servicio que algunos consideran demasiado caro. Frente a ese argumento, los alcaldes de la comarca han presentado una propuesta conjunta: que el autobús incorpore un pequeño consultorio de enfermería y una oficina postal. Si se aprueba, el Canario dejará de ser solo una biblioteca y se convertirá, como dice el texto, en «la plaza mayor que a nuestros pueblos les falta».
    """#,
    #"""
    La fonderia di campane di Sant'Orsola al Colle

    La fonderia di Sant'Orsola al Colle è una delle ultime botteghe in cui le campane vengono ancora realizzate secondo il procedimento tradizionale. Fondata, secondo la tradizione, da due fratelli che si erano stabiliti nel borgo per riparare le campane danneggiate da un terremoto, è rimasta per nove generazioni nelle mani della stessa famiglia. Oggi vi lavorano dodici persone, tra cui quattro apprendisti, e ogni anno ne escono una ventina di campane, destinate a chiese, municipi e, sempre più spesso, a collezionisti privati.

    Il lavoro comincia con un disegno. Dalla sagoma dipende il suono: basta una differenza di pochi millimetri nello spessore del bordo perché la nota risulti più alta o più bassa di quella desiderata. Il profilo viene ritagliato in una tavola di noce che, girando attorno a un asse, modella dapprima l'anima di mattoni e argilla, poi la cosiddetta «falsa campana» e infine il mantello esterno. Le iscrizioni e gli ornamenti, plasmati nella cera, vengono applicati sulla falsa campana; quando lo stampo è riscaldato, la cera si scioglie e lascia la propria impronta nell'argilla. Una volta tolta la falsa campana, tra l'anima e il mantello rimane uno spazio vuoto, nel quale si verserà il bronzo.

    La colata avviene quasi sempre di notte, quando è più facile giudicare dal colore la temperatura del metallo. La lega, composta per il 78 per cento di rame e per il 22 per cento di stagno, deve raggiungere circa 1150 gradi. Nella fossa in cui sono sepolti gli stampi la terra viene pressata a mano, strato dopo strato, affinché nessuna fessura lasci sfuggire il bronzo. Poi, per qualche minuto, non parla più nessuno. «È l'unico momento in cui mio nonno si toglieva il cappello», racconta la titolare, che dirige l'azienda dalla morte del padre. Per sapere se tutto è andato bene bisogna aspettare almeno tre giorni, talvolta due settimane, finché la campana non si è raffreddata.

    Nel laboratorio accanto si procede all'accordatura. Una campana non produce un solo suono, bensì una serie di toni parziali, i principali dei quali devono stare tra loro in rapporti precisi. Per ottenerli si asporta del metallo dalla parete interna con un tornio verticale. Un tempo ci si affidava all'orecchio e a una serie di diapason; ora il controllo si fa anche al computer, benché il capofonditore sostenga, non senza una punta d'orgoglio, di non essersi mai sbagliato di più di un ottavo di semitono.

    Un piccolo museo, allestito nell'antico essiccatoio, conserva modelli, registri contabili e la più antica campana uscita dalla bottega, incrinata durante una festa paesana troppo allegra. I visitatori possono suonarne altre sette, di grandezza crescente. Nei mesi estivi, però, si prega di non farlo tra le due e le quattro del pomeriggio: anche in un paese di campanari, il riposo è sacro.
    """#,
    #"""
    As salinas de Ribamansa voltam a produzir

    Durante quase trinta anos, as salinas de Ribamansa foram pouco mais do que um labirinto de muros desfeitos, onde as garças pescavam e os miúdos aprendiam a andar de bicicleta. Este verão, pela primeira vez desde o encerramento da última exploração, voltou a colher-se sal à mão nos tanques junto ao estuário. A campanha, que terminou na semana passada com as primeiras chuvas, rendeu dezoito toneladas de sal grosso e perto de oitocentos quilos de flor de sal.

    O projeto nasceu de uma associação com onze sócios, entre os quais uma bióloga, dois antigos marnotos e um professor de História reformado. «No início ninguém nos levava a sério», admite a presidente. «Diziam que o sal se compra no supermercado por meia dúzia de cêntimos, e têm razão. Mas não é o mesmo sal, nem é só de sal que estamos a falar.» Com o apoio da câmara municipal e de um fundo destinado à conservação de zonas húmidas, foram recuperados quarenta e dois dos mais de trezentos tanques que chegaram a existir.

    A técnica mudou muito pouco ao longo dos séculos. Na maré alta, a água entra por uma comporta de madeira para um grande reservatório, onde repousa durante alguns dias e deposita as impurezas. Passa depois, por simples gravidade, para tanques cada vez menos fundos, nos quais o sol e o vento a vão concentrando. Quando chega aos cristalizadores, tem apenas alguns centímetros de altura e está tão carregada que o sal começa a formar-se à superfície. É nesse momento, ao fim da tarde e sem vento, que se recolhe a flor de sal, com um gesto lento que os mais velhos comparam ao de quem tira a nata do leite. Se a película se parte, afunda-se e já não há nada a fazer.

    Foi precisamente esse gesto que esteve em risco de se perder. Dos marnotos que trabalharam em Ribamansa restam cinco, todos com mais de setenta e cinco anos. Dois deles aceitaram ensinar o ofício a um grupo de oito aprendizes, que passaram os meses de inverno a reparar muros e a reaprender um vocabulário inteiro: há mais de vinte palavras para designar os diferentes tipos de lama. As conversas foram gravadas e serão publicadas num pequeno dicionário.

    Do ponto de vista ambiental, os resultados também são animadores. As salinas ativas, com níveis de água estáveis e diferentes graus de salinidade, oferecem alimento e locais de nidificação a várias espécies de aves limícolas. Na contagem de agosto foram observados duzentos e treze pernilongos, mais do dobro do que no ano anterior.

    Resta saber se a atividade é viável. O sal é vendido em saquinhos de pano, a um preço que cobre as despesas correntes, mas ainda não os salários de todos. Para o próximo ano estão previstas visitas guiadas e uma loja no antigo armazém. «Não queremos um museu», insiste a presidente, enquanto varre os últimos cristais da eira. «Queremos que daqui a trinta anos alguém se queixe das dores nas costas, como nós.»
    """#,
    #"""
    Горная обсерватория на плато Керемет

    Обсерватория на плато Керемет расположена на высоте 2640 метров над уровнем моря, в сорока километрах от ближайшего посёлка. Место для неё выбирали почти пять лет: сотрудники экспедиции ночевали в палатках на разных вершинах хребта и каждую ночь записывали, насколько прозрачен и спокоен воздух. Решающим доводом в пользу плато стало не только большое число ясных ночей — в среднем около двухсот десяти в году, — но и то, что окружающие горы надёжно заслоняют его от огней долины.

    Строительство началось весной, как только сошёл снег, и сразу столкнулось с трудностями. Дорогу, проложенную за лето, осенью размыло; зеркало главного телескопа диаметром 1,8 метра пришлось везти в обход, через соседний перевал, со скоростью пешехода. Рассказывают, что водитель, преодолевший последние двенадцать километров за девять часов, вышел из кабины, посмотрел на собравшихся астрономов и спросил, нельзя ли было поставить эту штуку где-нибудь пониже. Первые снимки звёздного неба удалось получить лишь через три года после начала работ.

    Основная задача обсерватории — наблюдение за переменными звёздами, то есть за звёздами, блеск которых со временем меняется. Для таких исследований важны не столько размеры телескопа, сколько терпение: одну и ту же область неба нужно фотографировать годами, по возможности без перерывов. За время работы здесь накоплено более шестисот тысяч снимков. Старые фотопластинки, хранящиеся в специальном помещении с постоянной температурой, постепенно переводят в цифровую форму, и время от времени на них обнаруживают явления, которых в своё время никто не заметил.

    Жизнь на плато подчинена строгому распорядку. Наблюдатели работают сменами по две недели; днём они спят, вечером готовят приборы, а с наступлением темноты выключают всё наружное освещение. Зимой, когда дорога закрыта, продукты доставляют на вездеходе раз в десять дней. В библиотеке есть несколько тысяч книг, шахматный столик и рояль, который, по общему мнению, не настраивали ни разу, но на котором тем не менее играют почти каждый вечер.

    В последние годы значительная часть наблюдений ведётся автоматически. Небольшие телескопы сами открывают купола, если датчики не обнаруживают облаков, сами наводятся на выбранные объекты и к утру отправляют данные в институт. Тем не менее отказываться от присутствия людей никто не собирается. «Машина прекрасно видит то, что её просили увидеть, — говорит заведующая отделом. — А самое интересное обычно происходит на краю кадра».

    По субботам, с мая по сентябрь, обсерватория открыта для посетителей. Экскурсия включает осмотр главной башни и, если позволяет погода, наблюдение планет в учебный телескоп. Гостей просят одеваться теплее: даже в июле температура ночью может опускаться до нуля.
    """#,
    #"""
    云溪古镇的造纸作坊

    云溪古镇位于群山环抱的河谷之中，全镇不过两千多人，却保存着一门流传了数百年的手艺——手工造纸。据镇上的老人说，最早的纸匠是为了躲避战乱从北方迁来的。他们发现这里溪水清澈，山上又长满了构树和嫩竹，便在河边搭起棚子，安下家来。鼎盛时期，沿河共有六十多座水碓，日夜不停地捣料，声音在几里之外都能听见。后来，机制纸价格低廉，手工纸的销路越来越窄，作坊一家接一家地关门。到上个世纪末，整个镇子只剩下三户人家还在坚持。

    造一张纸，要经过大大小小七十二道工序。每年冬末春初，纸匠上山砍下构树的枝条，蒸煮以后剥下树皮，放进石灰水里浸泡，再背到河滩上摊开，任凭日晒雨淋，直到颜色由褐转白。接下来是捣料。过去靠水碓，如今有的人家改用电动机，但老师傅坚持认为，水碓落下来的力道不急不慢，捣出来的纤维更长、更有韧性。捣好的纸浆倒进水槽里，加入一种从植物根部提取的黏液，使纤维均匀地悬浮在水中。

    最考验功夫的一步叫作“捞纸”。师傅双手端起竹帘，斜着插入水中，轻轻一荡，再平平地提起来，水从帘缝里漏下去，帘上便留下薄薄的一层。动作看起来十分简单，可是厚薄全凭手上的感觉：荡得太慢，纸就厚；荡得太快，纸就破。学徒一般要练上三年，才敢说自己会捞纸。捞好的湿纸一张张叠起来，压去水分，然后用棕刷贴到烘热的墙壁上。几分钟以后，纸边微微翘起，轻轻一揭，一张带着草木清香的纸就做成了。

    让这门手艺重新受到关注的，是一位从省城回来的年轻人。她在大学里学的是古籍修复，毕业以后发现，修补旧书最难的不是技术，而是找不到合适的纸。机制纸里常常含有酸性物质，过不了几十年就会发黄变脆；而云溪的构皮纸薄而柔软，经检测，在适当的条件下可以保存很久。于是，她说服了自己的舅舅重开作坊，专门为图书馆和博物馆生产修复用纸。起初订单少得可怜，第一年的收入连买石灰的钱都不够。第三年，一家大型图书馆的修复室试用以后，一次就订了八千张，情况才慢慢好转。

    如今，镇上恢复生产的作坊已经有九家，从业人员将近五十人，其中一半以上不到四十岁。除了修复用纸，他们还生产书画纸、灯笼纸和笔记本。有人担心，游客越来越多，会让作坊变成表演的舞台。对此，镇里制定了几条规矩：参观必须提前预约，每天不超过六十人；捞纸的时候不许拍照，也不许大声说话；想亲手体验的人，可以到旧祠堂改建的学堂里去，那里有专人指导。

    今年春天，省里的一所大学还派来了一个研究小组，打算用两年的时间，把每一道工序都拍摄下来，并测量水温、浓度和纤维长度等数据。带队的教授说，他们并不想用机器来取代人，而是希望弄明白，老师傅所说的“手感”究竟是怎么一回事。研究才进行了几个月，就有了意外的收获：原来，捣料的时间不应当是固定的，而要随着天气变化；湿度每升高一成，就得多捣一刻钟左右。老师傅听了以后哈哈大笑：“这个我爷爷早就知道，只是他不会用数字来说。”

    当然，困难依然存在。山上的构树生长缓慢，砍伐以后要等三年才能再次采收，原料常常供不应求。为此，镇里从去年开始在荒坡上种植构树，已经栽了两万多棵。另外，石灰水如果直接排入河中，会危害鱼虾，各家作坊便合资修建了一座沉淀池，处理过的清水可以反复使用。

    说起云溪纸的用途，镇上流传着许多故事。从前，镇里人写契约、记账目、抄家谱，用的都是自家造的纸；女孩子出嫁，箱底总要压上一沓最白的纸，取“清清白白”的意思。每逢元宵节，各家各户用彩色的纸扎成鱼、兔子和莲花形状的灯笼，挂满整条老街。最大的一盏由全镇共同制作，长达九米，要二十几个人才抬得动。因为战乱和贫困，这个习俗一度中断，直到几年前才由小学的美术老师带着孩子们重新恢复起来。

    为了培养接班人，镇里与县职业学校合作，开设了一个三年制的造纸班。学生上午学习化学、书法和古籍知识，下午到作坊里跟着师傅干活，每月还有一份补贴。第一届只招到七名学生，其中两名读了半年就离开了，理由是“太累，而且冬天的水太冷”。留下来的五个人后来全都成了作坊的骨干。到了第四届，报名的人数已经超过名额的三倍，学校不得不增加面试。面试的题目很特别：给每人一盆水和一张竹帘，请他们用半个小时观察水面的波纹，然后说出自己看到了什么。

    除了传统产品，年轻的纸匠也在尝试新的东西。有人把山上的野花和蕨叶夹在两层湿纸之间，做成半透明的窗纸；有人与设计师合作，用特别厚的构皮纸制作灯罩和提包，耐折又防潮；还有人研究怎样利用造纸剩下的碎料，压制成可以自然分解的育苗盆，卖给附近的农户。并不是每次试验都能成功。一位纸匠曾经花了整整一年，想造出一种可以在打印机里使用的手工纸，结果不是卡纸就是掉毛，最后只好放弃。他把那些失败的样品装订成册，放在作坊门口，封面上写着四个字：“此路不通。”

    傍晚时分，游客散去，河边又安静下来。老师傅洗净竹帘，挂在屋檐下晾干。有人问他，做了五十多年的纸，最满意的是哪一张。他想了想，笑着回答说：“还在水里呢。”
    """#,
    #"""
    廃線の駅が町の食堂に――霧ヶ瀬町の試み

    山あいの小さな町、霧ヶ瀬町。人口は約三千二百人で、そのうち四割以上が六十五歳を超えている。かつてこの町には、木材を運ぶための鉄道が通っていた。林業が盛んだったころには、一日に二十本以上の列車が行き来し、駅前には旅館や映画館まであったという。しかし、木材の需要が減るにつれて利用者も少なくなり、路線は三十年ほど前に廃止された。線路は取り外され、木造の駅舎だけが、草に埋もれるようにして残された。

    その駅舎が、昨年の秋、町の食堂として生まれ変わった。きっかけをつくったのは、東京の建設会社を辞めて移住してきた一組の夫婦である。二人は当初、古い民家を借りて静かに暮らすつもりだった。ところが、引っ越してまもなく、近所に住むお年寄りの多くが、一人で簡単な食事を済ませていることに気づいた。「料理を作る気力がないわけではないんです。ただ、一人分だけ作って一人で食べるのはつまらない、とおっしゃる方が多くて」と妻は振り返る。

    そこで二人は、町役場に駅舎の活用を提案した。初めのうちは、耐震性や費用の面から難しいと言われたが、調べてみると、柱や梁は地元の杉でしっかりと組まれており、土台を補強すれば十分に使えることがわかった。改修費用のおよそ半分は町の補助金でまかない、残りは寄付を募った。すると、かつてこの駅から都会へ働きに出た人たちから、思いがけず多くの支援が寄せられた。中には、古い切符や、制服姿の駅員が写った写真を同封してくれた人もいたそうだ。

    食堂の仕組みは少し変わっている。献立は毎日一種類だけで、値段は大人が五百円、中学生以下は無料である。野菜の多くは、近くの農家が「作りすぎた分」を持ち寄ったものだ。料理を担当するのは、登録している三十人ほどの住民で、当番は月に二、三回まわってくる。八十代の女性が煮物の味つけを高校生に教え、そのかわりに高校生がスマートフォンの使い方を教える。そんな光景も、今では珍しくない。

    改札口だった場所には、手書きの「時刻表」が掲げられている。よく見ると、書かれているのは列車の時刻ではなく、一日の予定である。十時に仕込み、十二時に「発車」、つまり昼食の開始、十五時からは宿題の時間、そして十八時に「終点」。待合室のストーブのまわりには、食事を終えても帰ろうとしない人々の笑い声が響く。

    もちろん、課題がないわけではない。冬になると雪のために来られない人が増えるし、運営を支える人々の負担も決して軽くはない。開店から半年が過ぎたころには、当番が特定の人に偏り、やめたいという声も出た。そのため、今年からは月に二日の休みを設け、配達専門のボランティアも募集することにした。夫は「無理をして続けるよりも、休みながら長く続けるほうが大切だと思います」と話す。

    こうした取り組みは、少しずつ周りの地域にも広がり始めている。隣の町では、使われなくなった郵便局を同じような食堂にする計画が進んでおり、先月には関係者十数名が見学に訪れた。ただし、霧ヶ瀬町の人々は、自分たちのやり方をそのまままねることは勧めていない。「うちには駅があったから駅にしただけ。大事なのは建物ではなくて、だれが毎日そこの鍵を開けるかということです」と、運営委員の一人は言う。見学者の多くは、その言葉を手帳に書きとめて帰っていったそうだ。

    大学の研究者が行った聞き取り調査によると、食堂に週一回以上通うお年寄りの七割が、以前よりも外出の回数が増えたと答えている。また、食事の内容が豊かになったことよりも、「待っていてくれる人がいる」ことをうれしく感じる人が多かった。

    食堂の壁には、町の歴史を伝える写真や道具も飾られている。雪の中で立ち往生した列車を、住民が総出で掘り出したときの一枚。最終列車を見送る人々が、ホームいっぱいに並んだ一枚。なかでも人気があるのは、駅長が飼っていたという白い犬の写真だ。毎朝、始発列車が到着する五分前になると、必ず改札口の前に座っていたと伝えられている。孫に写真を見せながら思い出を語る人もいれば、初めて聞く話に驚く若い人もいる。こうして食堂は、食事の場であると同時に、記憶を受け継ぐ場にもなりつつある。

    来年の春には、駅の裏手に残る古い貨物倉庫を改装して、小さな図書室と工房を設ける予定だ。工房では、地元の木材を使った椅子や食器の作り方を学ぶことができるようになる。資金はまだ目標の六割ほどしか集まっていないが、関係者の表情は明るい。役場の担当者は、「補助金に頼りきりでは長続きしません。自分たちで稼ぎ、自分たちで決める仕組みを少しずつ整えていきたい」と語る。中学生たちからは、線路の跡を自転車道にしてほしいという提案も出されており、町議会で話し合いが行われることになっている。

    列車はもう来ない。それでも、正午になると、当番の人が古い鐘を三度鳴らす。その音を合図に、坂の下から、畑の向こうから、人々がゆっくりと駅に集まってくる。
    """#,
    #"""
    مدينة تل الزعفران وقنواتها القديمة

    تقع مدينة تل الزعفران على أطراف سهل جاف تحيط به الجبال من ثلاث جهات، وقد اشتهرت منذ قرون بقنواتها الجوفية التي تنقل المياه من سفوح الجبال إلى البساتين دون الحاجة إلى أي آلة. ويبلغ مجموع أطوال هذه القنوات نحو مئة وعشرين كيلومتراً، غير أن الجزء الأكبر منها ظل مهجوراً مدة طويلة بعد أن انتشرت الآبار العميقة والمضخات الحديثة في النصف الثاني من القرن الماضي.

    تقوم فكرة القناة على مبدأ بسيط. يبدأ العمل بحفر بئر رئيسية عند سفح الجبل حتى يصل الحفارون إلى طبقة تحمل الماء، ثم يُشق نفق طويل قليل الانحدار يقود الماء بفعل الجاذبية إلى السطح في مكان أخفض. وعلى امتداد النفق تُحفر آبار عمودية تفصل بينها مسافة تتراوح بين عشرين وأربعين متراً، وهي تُستخدم لإخراج التراب ولتجديد الهواء، كما تتيح للعمال النزول إلى القناة لتنظيفها. ولأن الماء يجري تحت الأرض، فإن ما يضيع منه بالتبخر قليل جداً، حتى في أشد أيام الصيف حرارة.

    ولم تكن القنوات إنجازاً هندسياً فحسب، بل كانت أساساً لنظام اجتماعي دقيق. فقد كان توزيع الماء يُقاس بالوقت لا بالكمية، إذ كان لكل أسرة نصيب من الساعات يتناسب مع مساحة أرضها ومع ما أسهمت به في أعمال الصيانة. وكان يشرف على ذلك رجل يُعرف بأمين الماء، يختاره الأهالي كل ثلاث سنوات، ويستعين بوعاء من النحاس في أسفله ثقب صغير، يوضع في حوض فيغرق بعد مدة معلومة. وتحفظ مكتبة المدينة سجلات تعود إلى أكثر من ثلاثمئة عام، وفيها تفاصيل الخلافات التي نشأت بين الجيران وكيف جرى حلها.

    غير أن الحال تبدلت حين صار بإمكان كل مزارع أن يحفر بئراً خاصة به. فقد انخفض منسوب المياه الجوفية أكثر من ثلاثين متراً خلال أربعة عقود، وجفت قنوات كثيرة، وانهارت سقوف بعضها، وهاجر عدد كبير من الشباب إلى المدن الكبرى بحثاً عن العمل. ويقول أحد كبار السن في المدينة: «كنا نسمع خرير الماء في الليل فننام مطمئنين، ثم جاء يوم لم نعد نسمع فيه سوى صوت المحركات».

    وقبل عشر سنوات، أطلقت مجموعة من المهندسين والمعلمين مشروعاً لإحياء ثلاث قنوات من أصل سبع عشرة. وقد بدأ المشروع بتدريب أربعين شاباً وشابة على أساليب الحفر والبناء التقليدية، بمساعدة آخر من بقي من الحفارين القدامى، ثم أُضيفت إليها وسائل حديثة مثل أجهزة قياس الانحدار بالليزر وحساسات تراقب تدفق الماء على مدار الساعة. وفي الوقت نفسه، اتفق المزارعون على تقليل الضخ من الآبار بنسبة الثلث، وعلى زراعة محاصيل لا تستهلك ماءً كثيراً، كالزعفران والفستق.

    واليوم عاد الماء إلى اثنتين من القنوات الثلاث، وأصبحت تروي نحو خمسمئة هكتار. صحيح أن ذلك لا يمثل سوى جزء صغير مما كان في الماضي، لكن القائمين على المشروع يرون أن أهم ما تحقق هو عودة الناس إلى الاجتماع حول الماء. ففي أول يوم جمعة من كل شهر، يلتقي أهل الحي عند مخرج القناة، فيتناقشون في شؤونهم، ويشربون الشاي، ويلعب الأطفال بالقرب منهم على حافة الجدول.
    """#,
  ]
}
